# Turns files into one C source with their bytes, at build time:
#   cmake -DOUTPUT=... -DNAME=vb_schema -DFILES=a.sql,b.sql [-DFOLDER=...] -P Embed.cmake
# The source defines `const struct vb_embedded NAME_files[]`, in the order given, ended by a NULL name. A file is named
# by its path in FOLDER, and where none is given by its last part.
string(REPLACE "," ";" FILES "${FILES}")
set(table "")
set(arrays "")
set(number 0)
foreach(file IN LISTS FILES)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    if(FOLDER)
        file(RELATIVE_PATH base "${FOLDER}" "${file}")
    else()
        get_filename_component(base "${file}" NAME)
    endif()
    file(SHA256 "${file}" hash)
    # A NUL behind the bytes lets text be used as a C string.
    string(APPEND arrays "static const unsigned char bytes_${number}[] = {${bytes}0};\n")
    string(APPEND table "    {\"${base}\", (const char *)bytes_${number}, sizeof bytes_${number} - 1,\n"
        "     \"${hash}\"},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"verbatim/embedded.h\"\n\n${arrays}
extern const struct vb_embedded ${NAME}_files[];
const struct vb_embedded ${NAME}_files[] = {\n${table}    {0, 0, 0, 0},\n};\n")

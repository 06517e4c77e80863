# Turns files into one C source with their bytes, at build time:
#   cmake -DOUTPUT=... -DNAME=vb_schema -DFILES=a.sql,b.sql [-DFOLDER=...] [-DGZIP=/usr/bin/gzip] -P Embed.cmake
# The source defines `const struct vb_embedded NAME_files[]`, in the order given, ended by a NULL name. A file is named
# by its path in FOLDER, and where none is given by its last part. With GZIP each also has its compressed form.
string(REPLACE "," ";" FILES "${FILES}")
set(table "")
set(arrays "")
set(number 0)

# read_hex(FILE VARIABLE): "0x..,0x..,"
function(read_hex file variable)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    set(${variable} "${bytes}" PARENT_SCOPE)
endfunction()

foreach(file IN LISTS FILES)
    read_hex("${file}" bytes)
    if(FOLDER)
        file(RELATIVE_PATH base "${FOLDER}" "${file}")
    else()
        get_filename_component(base "${file}" NAME)
    endif()
    file(SHA256 "${file}" hash)
    # A NUL behind the bytes lets text be used as a C string.
    string(APPEND arrays "static const unsigned char bytes_${number}[] = {${bytes}0};\n")
    set(packed "0, 0")
    if(GZIP)
        # Without the name and the time, so that the same files give the same program.
        execute_process(COMMAND "${GZIP}" -9nc "${file}" OUTPUT_FILE "${OUTPUT}.gz" COMMAND_ERROR_IS_FATAL ANY)
        read_hex("${OUTPUT}.gz" bytes)
        file(REMOVE "${OUTPUT}.gz")
        string(APPEND arrays "static const unsigned char packed_${number}[] = {${bytes}};\n")
        set(packed "(const char *)packed_${number}, sizeof packed_${number}")
    endif()
    string(APPEND table "    {\"${base}\", (const char *)bytes_${number}, sizeof bytes_${number} - 1,\n"
        "     \"${hash}\", ${packed}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"verbatim/embedded.h\"\n\n${arrays}
extern const struct vb_embedded ${NAME}_files[];
const struct vb_embedded ${NAME}_files[] = {\n${table}    {0, 0, 0, 0, 0, 0},\n};\n")

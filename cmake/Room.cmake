# A room: one folder, one target, that links only what it may use.
#
#   vb_room(NAME [USES ROOM...] [PUBLIC LIBRARY...] [PRIVATE LIBRARY...] SOURCES FILE...)
#
# makes the static library vb_NAME. PUBLIC are libraries whose types stand in its headers.
#
# A static library links nothing, so a call to a room that is not under USES would only be missed in programs that lack
# that room. Therefore the same objects are linked a second time as vb_NAME_alone, against what USES names and nothing
# else, where an undefined symbol is an error. tools/check_rooms.py does the same for includes.
function(vb_room name)
    cmake_parse_arguments(room "" "" "USES;PUBLIC;PRIVATE;SOURCES" ${ARGN})
    list(TRANSFORM room_USES PREPEND vb_)
    add_library(vb_${name} STATIC ${room_SOURCES})
    target_link_libraries(vb_${name} PUBLIC vb_flags ${room_USES} ${room_PUBLIC} PRIVATE ${room_PRIVATE})
    if(VB_SANITIZE) # its runtime is part of programs alone
        return()
    endif()
    add_library(vb_${name}_alone MODULE $<TARGET_OBJECTS:vb_${name}>)
    target_link_libraries(vb_${name}_alone PRIVATE ${room_USES} ${room_PUBLIC} ${room_PRIVATE} vb_flags m)
    target_link_options(vb_${name}_alone PRIVATE -Wl,-z,defs)
    set_target_properties(vb_${name}_alone PROPERTIES
        LINKER_LANGUAGE C LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/alone)
endfunction()

# The install target: the program, its documents, and what a machine with systemd needs to run it. Folders are those of
# GNUInstallDirs; DESTDIR and `cmake --install --strip` work as everywhere. Nothing is written into /etc but by packages.
include(GNUInstallDirs)

set(VB_SYSTEMD_UNIT_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" CACHE PATH "Folder of systemd's units")

install(TARGETS verbatim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md"
    PATTERN decisions EXCLUDE PATTERN schemas EXCLUDE PATTERN screenshots EXCLUDE)
install(DIRECTORY docs/schemas DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Sandbox and configuration stand once, for all units.
file(READ packaging/systemd/common.in VB_UNIT_COMMON)
string(CONFIGURE "${VB_UNIT_COMMON}" VB_UNIT_COMMON @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/systemd/common.in)
foreach(unit verbatim-serve verbatim-worker verbatim-migrate)
    configure_file(packaging/systemd/${unit}.service.in systemd/${unit}.service @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/systemd/${unit}.service DESTINATION ${VB_SYSTEMD_UNIT_DIR})
endforeach()
install(FILES packaging/sysusers/verbatim.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d)
install(FILES packaging/tmpfiles/verbatim.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/tmpfiles.d)

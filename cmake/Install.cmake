# The install target: the program, its documents, and what a machine with systemd needs to run it. Folders are those
# of GNUInstallDirs, and relative, so that `cmake --install --prefix` moves all of them; DESTDIR and --strip work as
# everywhere. Nothing is written into /etc but by packages.
include(GNUInstallDirs)

set(VB_SYSTEMD_UNIT_DIR "lib/systemd/system" CACHE STRING "Folder of systemd's units")

install(TARGETS verbatim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md"
    PATTERN decisions EXCLUDE PATTERN schemas EXCLUDE PATTERN screenshots EXCLUDE)
install(DIRECTORY docs/schemas DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Made by the target verbatim_manual. Each shell looks for completion under a name of its own.
set(VB_MANUAL_DIR ${PROJECT_BINARY_DIR}/manual)
set(VB_ZSH_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Folder of zsh's completion")
install(FILES ${VB_MANUAL_DIR}/verbatim.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${VB_MANUAL_DIR}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME verbatim)
install(FILES ${VB_MANUAL_DIR}/zsh DESTINATION ${VB_ZSH_DIR} RENAME _verbatim)
install(FILES ${VB_MANUAL_DIR}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME verbatim.fish)

# Sandbox and configuration stand once, for all units.
file(READ packaging/systemd/common.in VB_UNIT_COMMON)
string(CONFIGURE "${VB_UNIT_COMMON}" VB_UNIT_COMMON @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/systemd/common.in)
foreach(unit verbatim-serve verbatim-worker verbatim-migrate)
    configure_file(packaging/systemd/${unit}.service.in systemd/${unit}.service @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/systemd/${unit}.service DESTINATION ${VB_SYSTEMD_UNIT_DIR})
endforeach()
install(FILES packaging/sysusers/verbatim.conf DESTINATION lib/sysusers.d)
install(FILES packaging/tmpfiles/verbatim.conf DESTINATION lib/tmpfiles.d)

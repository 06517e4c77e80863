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

# Made by the target verbatim_manual. Each shell looks for completion under a name of its own.
set(VB_MANUAL_DIR ${PROJECT_BINARY_DIR}/manual)
set(VB_ZSH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE PATH "Folder of zsh's completion")
install(FILES ${VB_MANUAL_DIR}/verbatim.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${VB_MANUAL_DIR}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME verbatim)
install(FILES ${VB_MANUAL_DIR}/zsh DESTINATION ${VB_ZSH_COMPLETION_DIR} RENAME _verbatim)
install(FILES ${VB_MANUAL_DIR}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME verbatim.fish)

# As the program tells them (service/command/CMakeLists.txt).
set(VB_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Folder of zsh's completions")
install(FILES ${VB_MANUAL_DIR}/verbatim.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${VB_MANUAL_DIR}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME verbatim)
install(FILES ${VB_MANUAL_DIR}/zsh DESTINATION ${VB_ZSH_DIR} RENAME _verbatim)
install(FILES ${VB_MANUAL_DIR}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME verbatim.fish)
install(FILES ${VB_MANUAL_DIR}/verbatim.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

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

# Installs what belongs to a package beside the command and its library, and makes a .deb of all of it by `cpack`.
#
# scripts/package builds one that does not depend on the folder or the time of the build, and checks it.
install(FILES README.md .github/SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES report/schema/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME report-schema.md)
install(FILES report/package/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY report/commands/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/service)
install(DIRECTORY report/gates/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/ci)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME oomcast)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "forecast a program's memory behaviour on another Linux host")
set(CPACK_PACKAGE_DESCRIPTION
    "Runs a real, unmodified program and forecasts what its memory behaviour would\n\
do to another host: when kswapd would wake there, when and for how long threads\n\
would stall in direct reclaim, what would be swapped, which NUMA node would run\n\
dry, when the OOM killer would strike, whom, and why; and which smallest change\n\
would avoid it.\n\n\
The program runs on this machine and keeps its own output and exit status. The\n\
other host is a model: nothing is installed there and no kernel is booted.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(OOMCAST_MAINTAINER "oomcast maintainers <maintainers@oomcast.invalid>" CACHE STRING "Maintainer of the .deb")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${OOMCAST_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# The libraries that the binaries name; libunwind is opened at run time, and without it stacks are missing.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libunwind8)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS bash-completion)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Both are read by cpack itself: the time of the files, and what Debian wants compressed.
set(OOMCAST_PACKAGE_FILES ${CMAKE_CURRENT_LIST_DIR})
configure_file(${CMAKE_CURRENT_LIST_DIR}/project_config.cmake.in ${PROJECT_BINARY_DIR}/package_config.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/package_config.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/package_staging.cmake)
configure_file(${CMAKE_CURRENT_LIST_DIR}/staging.cmake.in ${PROJECT_BINARY_DIR}/package_staging.cmake @ONLY)
include(CPack)

# heterodyne_install(): what `cmake --install build/release --prefix P` puts below P.
#
#   bin/heterodyne                    the program
#   lib/libheterodyne_<room>.a        the rooms
#   include/heterodyne/<room>/*.h     their headers, as they are included
#   lib/cmake/heterodyne/             what find_package(heterodyne) reads
#
# Nothing there names this tree, so P may be moved. The program finds LibTorch by its absolute path, or beside itself in
# ../lib.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(heterodyne_install)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/heterodyne)
  get_property(rooms GLOBAL PROPERTY HETERODYNE_ROOMS)
  list(TRANSFORM rooms PREPEND heterodyne_ OUTPUT_VARIABLE libraries)
  install(TARGETS ${libraries} EXPORT heterodyne ARCHIVE FILE_SET HEADERS)
  install(EXPORT heterodyne NAMESPACE heterodyne:: FILE heterodyne-targets.cmake DESTINATION ${folder})

  file(REAL_PATH ${HETERODYNE_TORCH_ROOT}/lib torch)
  set_target_properties(heterodyne PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${torch}")
  install(TARGETS heterodyne RUNTIME)

  string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" HETERODYNE_TORCH_BUILT ${HETERODYNE_TORCH_VERSION})
  math(EXPR next "${CMAKE_MATCH_2} + 1")
  set(HETERODYNE_TORCH_NEXT ${CMAKE_MATCH_1}.${next})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/heterodyne-config.cmake.in heterodyne-config.cmake
                                INSTALL_DESTINATION ${folder} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(heterodyne-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/heterodyne-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/heterodyne-config-version.cmake
                ${PROJECT_SOURCE_DIR}/cmake/torch.cmake DESTINATION ${folder})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()

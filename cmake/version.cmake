# Gives heterodyne/base/version.cc the project's version and the commit. Looks again after each commit.
function(heterodyne_version)
  set(commit unknown)
  find_package(Git QUIET)
  if(Git_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
    execute_process(COMMAND ${GIT_EXECUTABLE} -C ${PROJECT_SOURCE_DIR} describe --always --dirty=+ --abbrev=10 --exclude=*
                    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0)
      set(commit ${found})
    endif()
    if(EXISTS ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
    endif()
  endif()
  # Outside the precompiled header's reach: its definitions differ.
  set_source_files_properties(${PROJECT_SOURCE_DIR}/heterodyne/base/version.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON
    COMPILE_DEFINITIONS "HETERODYNE_VERSION=\"${PROJECT_VERSION}\";HETERODYNE_COMMIT=\"${commit}\"")
endfunction()

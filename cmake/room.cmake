# Builds the rooms. A file's suffix says what it is, so nothing is listed by hand:
#   *.h *.cc -> library heterodyne_<room>     *_cpu.cc -> the same, with the flags of kernels
#   *_test.cc -> <room>_tests                 *_bench.cc -> <room>_bench

# For every target alike. The compiler's collection of garbage begins at 4 GB, which it does not reach: it would take a
# twelfth of the time.
set(HETERODYNE_COMPILER_OPTIONS -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=4000000>)

# One precompiled facade for every target; see heterodyne/base/torch.h.
function(heterodyne_precompile)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cc "// Carries the precompiled header.\n")
  add_library(heterodyne_precompiled OBJECT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cc)
  target_link_libraries(heterodyne_precompiled PUBLIC heterodyne::torch fmt::fmt-header-only PRIVATE heterodyne::warnings)
  target_compile_options(heterodyne_precompiled PUBLIC ${HETERODYNE_COMPILER_OPTIONS})
  target_precompile_headers(heterodyne_precompiled PRIVATE ${PROJECT_SOURCE_DIR}/heterodyne/base/torch.h <fmt/format.h>)
endfunction()

set(HETERODYNE_UNITY_SIZE 20)

# Compiles the sources of a target up to so many at a time: most of what a file costs is what LibTorch's headers have the
# compiler instantiate in each. So names in anonymous namespaces differ within a room; the namespace of a test is named
# after its file, which sees to that. Files with flags of their own stay alone.
function(heterodyne_unity target)
  if(NOT HETERODYNE_UNITY)
    return()
  endif()
  set(most ${HETERODYNE_UNITY_SIZE})
  get_target_property(sources ${target} SOURCES)
  list(SORT sources)
  set(compiled)  # what the target has in the place of its sources
  set(folders)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source OUTPUT_VARIABLE name)
    cmake_path(RELATIVE_PATH name BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    get_source_file_property(has_own_flags ${source} SKIP_PRECOMPILE_HEADERS)
    if(has_own_flags OR NOT name MATCHES "\\.cc$" OR name MATCHES "^\\.\\.")
      list(APPEND compiled ${source})
    else()
      cmake_path(GET name PARENT_PATH folder)
      list(APPEND folders ${folder})
      list(APPEND names_${folder} ${name})
    endif()
  endforeach()
  if(NOT folders)
    return()
  endif()
  list(REMOVE_DUPLICATES folders)

  # Folders as a whole, or in equal parts, one after another into a group until it is full: so a new file changes the
  # groups of its own folder, mostly, and no others.
  set(group 0)
  set(group_size ${most})
  foreach(folder IN LISTS folders)
    list(LENGTH names_${folder} num_names)
    math(EXPR num_parts "(${num_names} + ${most} - 1) / ${most}")
    foreach(part RANGE 1 ${num_parts})
      math(EXPR begin "${num_names} * (${part} - 1) / ${num_parts}")
      math(EXPR size "${num_names} * ${part} / ${num_parts} - ${begin}")
      list(SUBLIST names_${folder} ${begin} ${size} names)
      math(EXPR group_size "${group_size} + ${size}")
      if(group_size GREATER most)
        math(EXPR group "${group} + 1")
        set(group_size ${size})
      endif()
      list(APPEND names_of_${group} ${names})
    endforeach()
  endforeach()
  foreach(index RANGE 1 ${group})
    list(TRANSFORM names_of_${index} REPLACE "(.+)" "#include \"\\1\"\n" OUTPUT_VARIABLE includes)
    list(JOIN includes "" includes)
    set(output ${PROJECT_BINARY_DIR}/unity/${target}_${index}.cc)
    file(CONFIGURE OUTPUT ${output} CONTENT "// Written by cmake/room.cmake.\n${includes}" @ONLY)
    list(APPEND compiled ${output})
  endforeach()
  set_property(TARGET ${target} PROPERTY SOURCES ${compiled})
endfunction()

# Sets what every target of ours needs: the facade, the warnings, kernel flags. BUILD_INTERFACE: not for those who use
# the installed library.
function(heterodyne_compile target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_options(${target} PRIVATE ${HETERODYNE_COMPILER_OPTIONS})
  target_link_libraries(${target} PUBLIC heterodyne::torch fmt::fmt-header-only PRIVATE $<BUILD_INTERFACE:heterodyne::warnings>)
  target_precompile_headers(${target} REUSE_FROM heterodyne_precompiled)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "_cpu\\.cc$")
  # No contraction: the same bits whichever instruction set a kernel was cloned for.
  set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "-O3;-ffp-contract=off;-fno-math-errno;-fno-trapping-math;-fopenmp")
endfunction()

# heterodyne_room(heterodyne/layer base ops nn): the room in that folder, with the rooms it may include.
function(heterodyne_room folder)
  set(deps ${ARGN})
  cmake_path(GET folder FILENAME room)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${folder}/*.h)
  list(FILTER headers EXCLUDE REGEX "/(fixtures|cases|gradient_check)\\.h$")  # of tests and benchmarks alone

  add_library(heterodyne_${room} STATIC ${sources})
  add_library(heterodyne::${room} ALIAS heterodyne_${room})
  set_target_properties(heterodyne_${room} PROPERTIES EXPORT_NAME ${room})
  target_sources(heterodyne_${room} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  set_property(GLOBAL APPEND PROPERTY HETERODYNE_ROOMS ${room})
  heterodyne_compile(heterodyne_${room})
  heterodyne_registries(heterodyne_${room} ${folder})
  heterodyne_unity(heterodyne_${room})
  list(TRANSFORM deps PREPEND heterodyne::)
  target_link_libraries(heterodyne_${room} PUBLIC ${deps})

  if(HETERODYNE_BUILD_TESTS AND tests)
    heterodyne_tests(${room} SOURCES ${tests} LINK heterodyne::${room})
  endif()
  if(HETERODYNE_BUILD_BENCH AND benches)
    add_executable(${room}_bench ${benches})
    heterodyne_compile(${room}_bench)
    target_link_libraries(${room}_bench PRIVATE heterodyne::${room} benchmark::benchmark_main)
  endif()
endfunction()

# The test program <label>_tests: one entry of ctest, run with its label.
function(heterodyne_tests label)
  cmake_parse_arguments(TESTS "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${label}_tests ${TESTS_SOURCES})
  heterodyne_compile(${label}_tests)
  heterodyne_unity(${label}_tests)
  target_link_libraries(${label}_tests PRIVATE ${TESTS_LINK} GTest::gtest_main rapidcheck)
  set_target_properties(${label}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  add_test(NAME ${label} COMMAND ${label}_tests --gtest_brief=1)
  set_tests_properties(${label} PROPERTIES LABELS ${label})
endfunction()

# Reads the policy file: a line "room: the rooms it may include" for each room.
function(heterodyne_rooms policy)
  set(policy ${PROJECT_SOURCE_DIR}/${policy})
  file(STRINGS ${policy} lines REGEX "^[a-z_]+:")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${policy})
  cmake_path(GET policy PARENT_PATH root)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z_]+): *(.*)$" matched "${line}")
    set(room ${CMAKE_MATCH_1})
    separate_arguments(deps UNIX_COMMAND "${CMAKE_MATCH_2}")
    heterodyne_room(${root}/${room} ${deps})
  endforeach()
endfunction()

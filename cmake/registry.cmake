# heterodyne_registry(target folder router): routers/*.cc beside router.h in the folder each define
# router_kind_<stem>(); this writes routers(), the registry of them all, and adds it to the target. A file without its function fails to link.
#
# The contract (router.h) declares RouterKind, RouterRegistry and `RouterRegistry empty_routers();`, which gives the
# family its name and the settings that all its members share.
function(heterodyne_registry target room_folder family)
  set(folder ${family}s)
  file(GLOB members CONFIGURE_DEPENDS ${room_folder}/${folder}/*.cc)
  list(FILTER members EXCLUDE REGEX "_(test|bench)\\.cc$")
  string(SUBSTRING ${family} 0 1 head)
  string(TOUPPER ${head} head)
  string(SUBSTRING ${family} 1 -1 tail)
  set(Type ${head}${tail})
  cmake_path(RELATIVE_PATH room_folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE room_dir)
  foreach(file IN LISTS members)
    cmake_path(GET file STEM kind)
    string(APPEND declarations "${Type}Kind ${family}_kind_${kind}();\n")
    string(APPEND additions "    all.add(\"${kind}\", ${family}_kind_${kind}());\n")
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${folder}.gen.cc)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT "// Written by cmake/registry.cmake from the file names in @room_dir@/@folder@/.
#include \"@room_dir@/@family@.h\"

namespace heterodyne {

@declarations@
const @Type@Registry& @folder@() {
  static const @Type@Registry registry = [] {
    @Type@Registry all = empty_@folder@();
@additions@    return all;
  }();
  return registry;
}

}  // namespace heterodyne
")
  target_sources(${target} PRIVATE ${output})
endfunction()

# Every folder `xs` beside a header `x.h` is a family.
function(heterodyne_registries target room_folder)
  file(GLOB folders LIST_DIRECTORIES true CONFIGURE_DEPENDS ${room_folder}/*)
  foreach(folder IN LISTS folders)
    if(IS_DIRECTORY ${folder})
      cmake_path(GET folder FILENAME name)
      string(REGEX REPLACE "s$" "" family ${name})
      if(EXISTS ${room_folder}/${family}.h)
        heterodyne_registry(${target} ${room_folder} ${family})
      endif()
    endif()
  endforeach()
endfunction()

# heterodyne_recipes(target folder): compiles every *.toml below the folder into the target, so that recipes are there
# wherever the program is. Writes recipes(), a map from "cifar10/dmmoe" to the file's text.
function(heterodyne_recipes target folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*.toml)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries)
  foreach(file IN LISTS files)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${folder} OUTPUT_VARIABLE name)
    cmake_path(REMOVE_EXTENSION name)
    file(READ ${file} text)
    string(APPEND entries "      {\"${name}\", R\"recipe(${text})recipe\"},\n")
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/recipes.gen.cc)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT "// Written by cmake/recipes.cmake.
#include \"cli/recipes.h\"

namespace heterodyne::cli {

const std::map<std::string, std::string>& recipes() {
  static const std::map<std::string, std::string> all = {
@entries@  };
  return all;
}

}  // namespace heterodyne::cli
")
  target_sources(${target} PRIVATE ${output})
endfunction()

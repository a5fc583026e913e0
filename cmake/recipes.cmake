# heterodyne_texts(target folder recipes cli/recipes.h): compiles every *.toml below the folder into the target, so that
# they are there wherever the program is. Writes recipes(), a map from "cifar10/dmmoe" to the file's text, which the
# header declares.
function(heterodyne_texts target folder function header)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*.toml)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries)
  foreach(file IN LISTS files)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${folder} OUTPUT_VARIABLE name)
    cmake_path(REMOVE_EXTENSION name)
    if(name MATCHES "^(studies|tasks)/")  # descriptions of sweeps and of evaluations, which are no configurations
      continue()
    endif()
    file(READ ${file} text)
    string(APPEND entries "      {\"${name}\", R\"toml(${text})toml\"},\n")
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.gen.cc)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT "// Written by cmake/recipes.cmake.
#include \"@header@\"

namespace heterodyne::cli {

const std::map<std::string, std::string>& @function@() {
  static const std::map<std::string, std::string> all = {
@entries@  };
  return all;
}

}  // namespace heterodyne::cli
")
  target_sources(${target} PRIVATE ${output})
endfunction()

# heterodyne_assets(target folder): compiles the style sheets and scripts of the folder into the target, so that a page
# can be written wherever the program is. Writes page_assets(), a map from "report.css" to the file's bytes.
function(heterodyne_assets target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.css ${folder}/*.js)
  list(REMOVE_ITEM files ${folder}/entry.js)  # what the bundle echarts.min.js is made from
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries)
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    file(READ ${file} text)
    string(APPEND entries "      {\"${name}\", R\"asset(${text})asset\"},\n")
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/page_assets.gen.cc)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT "// Written by cmake/assets.cmake.
#include \"heterodyne/report/page_assets.h\"

namespace heterodyne {

const std::map<std::string_view, std::string_view>& page_assets() {
  static const std::map<std::string_view, std::string_view> all = {
@entries@  };
  return all;
}

}  // namespace heterodyne
")
  target_sources(${target} PRIVATE ${output})
endfunction()

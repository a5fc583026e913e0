// Page assets: the style sheet and the scripts of the report's page, compiled in; see assets/README.md.
#pragma once

#include <map>
#include <string_view>

namespace heterodyne {

/// File name -> contents of heterodyne/report/assets/*.{css,js}. The map is written by cmake/assets.cmake.
const std::map<std::string_view, std::string_view>& page_assets();

}  // namespace heterodyne

# heterodyne::warnings: what our own targets are compiled with. Headers of others are SYSTEM and exempt.
add_library(heterodyne_warnings INTERFACE)
add_library(heterodyne::warnings ALIAS heterodyne_warnings)
target_compile_options(heterodyne_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 reports these falsely inside std::string (GCC bug 105651).
  target_compile_options(heterodyne_warnings INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict)
endif()

// Version: what was built, from what.
#pragma once

#include <string>

namespace heterodyne {

/// "0.1.0"
std::string version();
/// The commit it was configured from, "unknown" outside a repository, with "+" when files were changed.
std::string commit();
/// "2.13.0", of the LibTorch it was built with.
std::string torch_version();
/// "g++ 12.2.0"
std::string compiler();
/// "heterodyne 0.1.0 (3f2a91c) LibTorch 2.13.0 g++ 12.2.0"
std::string version_line();

}  // namespace heterodyne

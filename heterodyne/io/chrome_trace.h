// Chrome's trace format: a profile's spans as JSON that chrome://tracing and Perfetto show on a time line.
#pragma once

#include <string>

#include "heterodyne/base/profile.h"

namespace heterodyne::io {

/// Complete events ("ph": "X") in microseconds since the first, "cat" being "forward" or "backward", "args" the place.
std::string chrome_trace(const Profile& profile);

}  // namespace heterodyne::io

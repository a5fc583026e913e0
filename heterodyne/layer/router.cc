#include "heterodyne/layer/router.h"

namespace heterodyne {

RouterRegistry empty_routers() { return RouterRegistry("router"); }

}  // namespace heterodyne

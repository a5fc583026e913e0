#include "heterodyne/layer/dispatcher.h"

namespace heterodyne {

DispatcherRegistry empty_dispatchers() { return DispatcherRegistry("dispatcher"); }

}  // namespace heterodyne

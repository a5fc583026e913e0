#include "heterodyne/report/panel.h"

namespace heterodyne {

PanelRegistry empty_panels() { return PanelRegistry("panel"); }

}  // namespace heterodyne

// No growth: the experts that a layer starts with are those it ends with.
#include "heterodyne/train/grower.h"

namespace heterodyne {
namespace {

class NoGrower : public Grower {
 public:
  struct Options {
    void visit(Fields& field) { static_cast<void>(field); }
  };

  NoGrower(const Options&, const GrowerContext&) {}

  void after_step(const GrowthStep&, Sums&, Pool&) const override {}
};

}  // namespace

GrowerKind grower_kind_none() { return grower_kind<NoGrower>("experts stay as they are"); }

}  // namespace heterodyne

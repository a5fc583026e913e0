// A gated feed-forward expert whose gate is a GELU (Shazeer 2020, arXiv 2002.05202, equation 6).
#include "heterodyne/layer/gated_expert.h"

namespace heterodyne {
namespace {

class GegluExpert : public GatedExpert {
 public:
  GegluExpert(const Options& options, const ExpertContext& context) : GatedExpert("geglu", "gelu", options, context) {}
};

}  // namespace

ExpertKind expert_kind_geglu() {
  return expert_kind<GegluExpert>("W2 (gelu(W1 x) * W3 x): a feed-forward layer with a gate");
}

}  // namespace heterodyne

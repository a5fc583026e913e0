// A gated feed-forward expert whose gate is a SiLU (Shazeer 2020, arXiv 2002.05202, equation 6).
#include "heterodyne/layer/gated_expert.h"

namespace heterodyne {
namespace {

class SwigluExpert : public GatedExpert {
 public:
  SwigluExpert(const Options& options, const ExpertContext& context)
      : GatedExpert("swiglu", "silu", options, context) {}
};

}  // namespace

ExpertKind expert_kind_swiglu() {
  return expert_kind<SwigluExpert>("W2 (silu(W1 x) * W3 x): a feed-forward layer with a gate");
}

}  // namespace heterodyne

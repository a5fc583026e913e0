// Oracle: a token goes to the expert of its example's class, class modulo the number of experts, with weight 1. Learns
// nothing; perfect specialisation by class, the upper end of the scale on which measures of it are read.
#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {
namespace {

class OracleRouter : public TokenChoiceRouter {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  OracleRouter(const Options&, const RouterContext& context)
      : TokenChoiceRouter("router.oracle", 1, context), name_(context.init.name) {}

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    if (!input.label_T.defined()) {
      throw Error(name_,
                  "router \"oracle\": expected the class of each example, got none; it works on data with "
                  "classes only");
    }
    return route_equally(input.label_T.remainder(num_experts()).unsqueeze(1), input);
  }

 private:
  std::string name_;
};

}  // namespace

RouterKind router_kind_oracle() {
  return router_kind<OracleRouter>("the expert of the example's class: a control",
                                   {.takes_override = false, .needs_labels = true});
}

}  // namespace heterodyne

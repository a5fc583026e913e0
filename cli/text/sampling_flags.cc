#include "cli/text/sampling_flags.h"

namespace heterodyne::cli {

void SamplingFlags::visit(Fields& field) {
  field("tokens", tokens, "tokens to make", at_least(1));
  field("temperature", temperature, "below 1: safer choices, above: wilder ones; 0: always the most probable token",
        at_least(0));
  field("top_k", top_k, "choose among so many most probable tokens; 0: all", at_least(0));
  field("top_p", top_p, "choose among the fewest most probable tokens with this probability together", share());
  field("seed", seed, "of the choices: the same text for the same seed", at_least(0));
  field("route_k", route_k, "experts per token, in the place of the router's own rule; 0: its own", at_least(0));
  field("route_min_p", route_min_p, "experts with this share of the best one's probability; 0: the router's own rule",
        share());
  field("route_threshold", route_threshold, "experts with this probability; 0: the router's own rule", share());
}

RouteOverride SamplingFlags::route(const std::string& verb) const {
  RouteOverride wanted;
  if (route_k > 0) wanted.k = route_k;
  if (route_min_p > 0) wanted.min_p = route_min_p;
  if (route_threshold > 0) wanted.threshold = route_threshold;
  const int count = (wanted.k ? 1 : 0) + (wanted.min_p ? 1 : 0) + (wanted.threshold ? 1 : 0);
  if (count > 1)
    throw ConfigError(verb + ": expected one of --route-k, --route-min-p and --route-threshold, got several");
  return wanted;
}

}  // namespace heterodyne::cli

#include "heterodyne/layer/moe_layer.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

// The experts a group starts with: its count, or the length of its longest list setting.
int64_t count_of(const Member& group) {
  int64_t longest = 1;
  for (const auto& entry : group.settings.entries()) {
    if (const Array* list = entry.value.if_array()) longest = std::max(longest, static_cast<int64_t>(list->size()));
  }
  const Value* count = group.settings.find("count");
  if (count == nullptr) return longest;
  Table shared{{"count", *count}};
  const auto options = read_options<ExpertGroupOptions>(shared, {group.path, group.path});
  if (longest > 1 && longest != options.count) {
    throw ConfigError("expert." + group.kind, "count",
                      fmt::format("expected {}, the length of the list beside it, got {}", longest, options.count))
        .at(count->position(), group.path.empty() ? "expert." + group.kind : group.path);
  }
  return options.count;
}

// "switch_loss", or "switch_loss.1" for the second of a kind.
std::vector<std::string> names_of(const std::vector<Member>& members) {
  std::vector<std::string> names;
  for (const auto& member : members) {
    const auto same = std::count_if(names.begin(), names.end(), [&](const std::string& name) {
      return name == member.kind || name.starts_with(member.kind + ".");
    });
    names.push_back(same == 0 ? member.kind : member.kind + "." + std::to_string(same));
  }
  return names;
}

}  // namespace

MoeLayer::MoeLayer(const MoeOptions& options, const MoeContext& context) : options_(options), context_(context) {
  if (options.experts.empty())
    throw ConfigError(layer_name(), "moe.experts", "expected at least one entry, got an empty list");
  expert_modules_ = register_module("experts", std::make_shared<torch::nn::Module>());
  std::vector<ExpertSlot> slots;
  for (int64_t group = 0; group < num_groups(); ++group) {
    const int64_t count = count_of(options.experts[static_cast<size_t>(group)]);
    for (int64_t index = 0; index < count; ++index) slots.push_back(make_expert(group, index));
  }
  set_slots(std::move(slots));
  router_ = register_module("router", make_router(context.init.at("router")));
  dispatcher_ = dispatchers().make(options.dispatcher);
  for (const auto& balancer : options.balancers) balancers_.push_back(heterodyne::balancers().make(balancer));
  balancer_names_ = names_of(options.balancers);
}

MoeOutput MoeLayer::forward(const MoeInput& input, RoutingLog* log) {
  check_shape(layer_name(), "x_BSD", input.x_BSD, {"B", "S", {"D", context_.width}});
  const int64_t B = input.x_BSD.size(0), S = input.x_BSD.size(1);

  // 1. Route: which experts work on which tokens.
  RouteInput route{input.x_BSD.reshape({B * S, context_.width}), B, S, {}, input.random, {}};
  if (input.mask_BS.defined()) route.mask_T = input.mask_BS.reshape(-1);
  for (const auto& balancer : balancers_) {
    route.needs.probabilities |= balancer->needs().probabilities;
    route.needs.logits |= balancer->needs().logits;
  }
  observe(log, layer_name() + ".input", input.x_BSD);
  route.needs.probabilities |= log && log->keep_scores;
  Routing routing = router_->route(route);
  if (log) log->add(layer_name(), routing);

  // 2. to 4. Dispatch the tokens, run the experts, combine their answers.
  ExpertCall call{input.x_BSD, input.mask_BS, input.random, {}, context_.output_width};
  for (const auto& slot : slots_) call.experts.push_back(slot.expert);
  const auto y_TO = dispatcher_->run(call, routing);

  // 5. Losses on the routing.
  return {y_TO.reshape({B, S, context_.output_width}), losses(routing), std::move(routing.sums)};
}

NamedTensors MoeLayer::losses(const Routing& routing) const {
  NamedTensors all;
  for (const auto& [loss_name, value] : routing.losses) all.emplace_back(layer_name() + "." + loss_name, value);
  for (size_t i = 0; i < balancers_.size(); ++i) {
    all.emplace_back(layer_name() + "." + balancer_names_[i], balancers_[i]->weight() * balancers_[i]->loss(routing));
  }
  return all;
}

std::vector<int64_t> MoeLayer::ids() const {
  std::vector<int64_t> all;
  for (const auto& slot : slots_) all.push_back(slot.id);
  return all;
}

std::string MoeLayer::group_name(int64_t group) const {
  const Member& member = options_.experts[static_cast<size_t>(group)];
  const Value* given = member.settings.find("name");
  const bool named = given && given->if_text() && !given->if_text()->empty();
  return named ? *given->if_text() : member.kind;
}

std::vector<ExpertInfo> MoeLayer::infos() const {
  std::vector<ExpertInfo> all;
  for (const auto& slot : slots_) {
    const auto cost = slot.expert->cost({1, 1, 1}).routed;
    all.push_back({slot.id, group_kind(slot.group), slot.group, cost.params, cost.macs});
  }
  return all;
}

CostPair MoeLayer::cost(const std::vector<double>& tokens_per_expert, double num_tokens, int64_t length) const {
  HETERODYNE_DCHECK(tokens_per_expert.size() == slots_.size());
  const auto routed_E = torch::tensor(tokens_per_expert, torch::kFloat64);
  const auto executed_E = dispatcher_->executed_rows(routed_E, num_tokens);
  CostPair total;
  for (size_t e = 0; e < slots_.size(); ++e) {
    const auto& expert = *slots_[e].expert;
    total.routed += expert.cost({tokens_per_expert[e], num_tokens, length}).routed;
    total.executed += expert.cost({executed_E[static_cast<int64_t>(e)].item<double>(), num_tokens, length}).executed;
  }
  Cost gate{router_->macs_per_token() * num_tokens, 0, 0};
  for (const auto& parameter : router_->parameters()) gate.params += parameter.numel();
  return total += {gate, gate};
}

std::shared_ptr<Router> MoeLayer::make_router(const Init& init) const {
  return routers().make(options_.router, RouterContext{context_.width, infos(), init});
}

std::shared_ptr<Router> MoeLayer::swap_router(std::shared_ptr<Router> router) {
  HETERODYNE_DCHECK(router->num_experts() == num_experts());
  std::swap(router_, router);
  replace_module("router", router_);
  return router;
}

ExpertSlot MoeLayer::make_expert(int64_t group, int64_t index) {
  const int64_t id = next_id_++;
  const ExpertContext context{context_.width, context_.output_width, index,
                              context_.init.at("experts").at(std::to_string(id))};
  return {id, group, index, experts().make(options_.experts[static_cast<size_t>(group)], context)};
}

void MoeLayer::set_slots(std::vector<ExpertSlot> slots) {
  for (const auto& slot : slots_) expert_modules_->unregister_module(std::to_string(slot.id));
  slots_ = std::move(slots);
  for (const auto& slot : slots_) expert_modules_->register_module(std::to_string(slot.id), slot.expert);
}

}  // namespace heterodyne

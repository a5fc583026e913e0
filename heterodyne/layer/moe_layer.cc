#include "heterodyne/layer/moe_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "heterodyne/base/profile.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/recompute.h"

namespace heterodyne {
namespace {

Position position_of_kind(const Member& member) {
  const Value* kind = member.settings.find("kind");
  return kind ? kind->position() : Position();
}

bool is_null(const Member& group) { return experts().of(group).find(group.kind).is_null; }

int64_t num_params_of(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
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

// Whether the router is kept from learning; one without parameters is where its experts are.
bool is_frozen(const Router& router, const std::vector<ExpertSlot>& slots) {
  const auto learns = [](const torch::Tensor& value) { return value.requires_grad(); };
  const auto own = router.parameters();
  if (!own.empty()) return std::none_of(own.begin(), own.end(), learns);
  bool has_any = false;
  for (const auto& slot : slots) {
    const auto values = slot.expert->parameters();
    if (std::any_of(values.begin(), values.end(), learns)) return false;
    has_any = has_any || !values.empty();
  }
  return has_any;
}

}  // namespace

MoeLayer::MoeLayer(const MoeOptions& options, const MoeContext& context) : options_(options), context_(context) {
  if (options.experts.empty())
    throw ConfigError(layer_name(), "moe.experts", "expected at least one entry, got an empty list");
  expert_modules_ = register_module("experts", std::make_shared<torch::nn::Module>());
  std::vector<ExpertSlot> slots;
  for (int64_t group = 0; group < num_groups(); ++group) {
    const int64_t count = num_experts_of(options.experts[static_cast<size_t>(group)]);
    for (int64_t index = 0; index < count; ++index) slots.push_back(make_expert(group, index));
  }
  set_slots(std::move(slots));
  router_ = register_module("router", make_router(context.init.at("router")));
  make_shared_experts();
  dispatcher_ = dispatchers().make(options.dispatcher);
  for (const auto& balancer : options.balancers) balancers_.push_back(heterodyne::balancers().make(balancer));
  balancer_names_ = names_of(options.balancers);
  check_balancers();
}

void MoeLayer::check_balancers() const {
  for (size_t i = 0; i < balancers_.size(); ++i) {
    const Member& chosen = options_.balancers[i];
    const auto refuse = [&](const char* wanted, const char* but = "which has none") {
      throw ConfigError("balancer." + chosen.kind, "kind",
                        fmt::format("expected a router that {} beside it, got router \"{}\", {}; choose another router "
                                    "or another balancer",
                                    wanted, options_.router.kind, but))
          .at(position_of_kind(chosen), chosen.path.empty() ? "balancer." + chosen.kind : chosen.path);
    };
    if (balancers_[i]->needs_selection_bias() && !router_->selection_bias().defined()) refuse("selects with a bias");
    if (balancers_[i]->needs_selection_bias() && router_->moves_bias())
      refuse("leaves its bias alone", "which moves it too (bias_rate = 0 is for this, where there is that setting)");
    if (balancers_[i]->needs_embeddings() && !router_->embeddings().defined())
      refuse("compares tokens with an embedding of each expert");
  }
}

MoeOutput MoeLayer::forward(const MoeInput& input, RoutingLog* log) {
  check_shape(layer_name(), "x_BSD", input.x_BSD, {"B", "S", {"D", context_.width}});
  const int64_t B = input.x_BSD.size(0), S = input.x_BSD.size(1);
  observe(log, layer_name() + ".input", input.x_BSD);

  // 1. Route: which experts work on which tokens.
  Profile* profile = log ? log->profile : nullptr;
  const char* place = layer_name().c_str();
  RouteInput tokens;
  Routing routing;
  {
    const ProfileSpan span(profile, "router", place);
    tokens = route_input(input, log);
    routing = router_->route(tokens);
  }
  const auto handed_TD = std::exchange(routing.x_TD, {});  // who keeps the routing need not keep the tokens
  routing.sums["assignments_E"] = routing.plan.tokens_per_expert_E.to(torch::kFloat64);
  routing.sums["tokens"] = torch::tensor(static_cast<double>(routing.num_counted_tokens()), torch::kFloat64);

  // 2. Admit: pairs for which there is no room are left out.
  const Routing admitted = dispatcher_->admit(routing, {layer_name(), input.random, is_training()});
  if (log) log->add(layer_name(), admitted);
  if (log && log->before_experts) log->before_experts(layer_name(), ids_to_run(admitted));

  // 3. to 5. Dispatch the tokens, run the experts, combine their answers.
  ExpertCall call{
      input.x_BSD,    input.mask_BS, input.random, {}, context_.output_width, options_.combine == "log_mixture",
      input.past_BSD, profile};
  call.listed_TD = handed_TD.defined() ? handed_TD : tokens.x_TD;
  for (const auto& slot : slots_) call.experts.push_back(options_.recompute ? recomputed(slot.expert) : slot.expert);
  torch::Tensor y_BSO;
  {
    const ProfileSpan span(profile, "experts", place);
    y_BSO = dispatcher_->run(call, without_null(admitted)).reshape({B, S, context_.output_width});
    if (!shared_.empty()) y_BSO = y_BSO + shared_answer(input);
    if (options_.output == "sigmoid") y_BSO = y_BSO.sigmoid();
  }

  // 6. Losses on the routing that was wanted.
  const ProfileSpan span(profile, "losses", place);
  MoeOutput output{y_BSO, losses(routing, input.sums_before), std::move(routing.sums), {}};
  if (router_->needs_previous_logits()) output.logit_TE = routing.logit_TE;
  return output;
}

RouteInput MoeLayer::route_input(const MoeInput& input, const RoutingLog* log) const {
  if (!input.override.empty() && !router_traits().takes_override) {
    throw ConfigError(layer_name(), fmt::format("experts per token: expected none to be asked for at run time, router "
                                                "\"{}\" has no scores to choose by",
                                                router_kind()));
  }
  const int64_t B = input.x_BSD.size(0), S = input.x_BSD.size(1);
  RouteInput route{input.x_BSD.reshape({B * S, context_.width}), B, S, {}, input.random, {}};
  if (input.mask_BS.defined()) route.mask_T = input.mask_BS.reshape(-1);
  if (input.token_id_BS.defined()) route.token_id_T = input.token_id_BS.reshape(-1);
  if (input.label_B.defined()) route.label_T = input.label_B.repeat_interleave(S);
  route.previous_logit_TE = input.previous_logit_TE;
  route.first_position = input.first_position;
  route.override = input.override;
  for (const auto& balancer : balancers_) {
    route.needs.probabilities |= balancer->needs().probabilities;
    route.needs.logits |= balancer->needs().logits;
  }
  route.needs.probabilities |= log && log->keep_scores;
  route.needs.logits |= router_->needs_previous_logits();
  return route;
}

// Of the experts whose weights the dispatcher reads.
std::vector<int64_t> MoeLayer::ids_to_run(const Routing& admitted) const {
  const auto rows_E = dispatcher_->executed_rows(admitted.plan.tokens_per_expert_E.to(torch::kFloat64),
                                                 static_cast<double>(admitted.num_tokens()));
  const double* rows = rows_E.const_data_ptr<double>();
  std::vector<int64_t> ids;
  for (size_t e = 0; e < slots_.size(); ++e) {
    if (rows[e] > 0) ids.push_back(slots_[e].id);
  }
  return ids;
}

// Every token to every shared expert.
torch::Tensor MoeLayer::shared_answer(const MoeInput& input) const {
  const auto& x_BSD = input.x_BSD;
  const auto x_TD = x_BSD.reshape({-1, context_.width});
  const auto all_T = torch::arange(x_TD.size(0));
  torch::Tensor sum_TO;
  for (const auto& shared : shared_) {
    const auto expert = options_.recompute ? recomputed(shared) : shared;
    const auto answer_TO = expert->forward({x_TD, all_T, x_BSD, input.mask_BS, input.random, input.past_BSD});
    sum_TO = sum_TO.defined() ? sum_TO + answer_TO : answer_TO;
  }
  if (shared_gate_) sum_TO = sum_TO * shared_gate_->forward(x_TD).sigmoid();
  return sum_TO.view({x_BSD.size(0), x_BSD.size(1), context_.output_width});
}

// A null expert's answer is zero, so its pairs need not be carried.
Routing MoeLayer::without_null(const Routing& routing) const {
  std::vector<uint8_t> keeps;
  for (const auto& info : infos_) keeps.push_back(info.is_null ? 0 : 1);
  if (std::find(keeps.begin(), keeps.end(), 0) == keeps.end()) return routing;
  const auto keep_E = torch::tensor(keeps, torch::kBool);
  return with_pairs(routing, keep_E.index_select(0, routing.plan.expert_N));
}

NamedTensors MoeLayer::losses(const Routing& routing, const Sums& sums_before) const {
  NamedTensors all;
  for (const auto& [loss_name, value] : routing.losses) all.emplace_back(layer_name() + "." + loss_name, value);
  if (balancers_.empty()) return all;
  BalanceInput input(routing, infos_, sums_before);
  input.embedding_EP = router_->embeddings();
  for (size_t i = 0; i < balancers_.size(); ++i) {
    const auto loss = balancers_[i]->loss(input);
    if (loss.defined()) all.emplace_back(layer_name() + "." + balancer_names_[i], balancers_[i]->weight() * loss);
  }
  return all;
}

void MoeLayer::after_step(const Sums& sums) {
  if (is_frozen(*router_, slots_)) return;  // and keeps its biases and prototypes
  router_->after_step(sums);
  for (const auto& balancer : balancers_) balancer->after_step(*router_, sums);
}

bool MoeLayer::is_causal(std::string* why) const {
  const auto refuse = [&](const std::string& reason) {
    if (why) *why = reason;
    return false;
  };
  if (!router_traits().is_causal)
    return refuse(fmt::format("router \"{}\" lets later tokens decide about earlier ones", router_kind()));
  for (const auto& slot : slots_) {
    if (!slot.expert->is_causal())
      return refuse(fmt::format("expert kind \"{}\" looks at later tokens", group_kind(slot.group)));
  }
  for (size_t i = 0; i < shared_.size(); ++i) {
    if (!shared_[i]->is_causal()) return refuse("a shared expert looks at later tokens");
  }
  const auto& dispatcher = options_.dispatcher;
  if (dispatchers().of(dispatcher).find(dispatcher.kind).may_drop)
    return refuse(fmt::format("dispatcher \"{}\" lets later tokens take the room of earlier ones", dispatcher.kind));
  return true;
}

bool MoeLayer::looks_back() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot.expert->needs_context(); }) ||
         std::any_of(shared_.begin(), shared_.end(), [](const auto& shared) { return shared->needs_context(); });
}

void MoeLayer::check_data(bool is_text) const {
  const auto& router = options_.router;
  const RouterTraits& traits = router_traits();
  const char* missing = traits.needs_token_ids && !is_text ? "one that works without the symbols of a text"
                        : traits.needs_labels && is_text   ? "one that works without a class for each example"
                                                           : nullptr;
  if (missing == nullptr) return;
  throw ConfigError("router." + router.kind, "kind",
                    fmt::format("expected {}, which these data have not, got \"{}\"", missing, router.kind))
      .at(position_of_kind(router), router.path.empty() ? "router." + router.kind : router.path);
}

const RouterTraits& MoeLayer::router_traits() const { return routers().of(options_.router).find(router_kind()).traits; }

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

std::vector<ExpertInfo> MoeLayer::infos_of(const std::vector<ExpertSlot>& slots) const {
  std::unordered_map<const Expert*, size_t> known;  // what an expert is never changes, and counting takes time
  for (size_t i = 0; i < infos_.size(); ++i) known[slots_[i].expert.get()] = i;
  std::vector<ExpertInfo> all;
  for (const auto& slot : slots) {
    const auto found = known.find(slot.expert.get());
    if (found != known.end() && infos_[found->second].id == slot.id) {
      all.push_back(infos_[found->second]);
      continue;
    }
    const auto cost = slot.expert->cost({1, 1, 1}).routed;
    const Member& group = options_.experts[static_cast<size_t>(slot.group)];
    all.push_back({slot.id, group.kind, slot.group, cost.params, cost.macs, is_null(group)});
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
  for (const auto& expert : shared_) total += expert->cost({num_tokens, num_tokens, length});
  if (shared_gate_) {
    const Cost cost{shared_gate_->macs() * num_tokens, num_params_of(*shared_gate_), 0};
    total += {cost, cost};
  }
  Cost gate{router_->macs_per_token() * num_tokens, 0, 0};
  gate.params = num_params_of(*router_);
  return total += {gate, gate};
}

std::shared_ptr<Router> MoeLayer::make_router(const Init& init) const {
  return routers().make(options_.router, RouterContext{context_.width, infos_, init});
}

// Beside the routed ones, and not among their positions and ids.
void MoeLayer::make_shared_experts() {
  if (options_.shared.empty()) return;
  auto modules = register_module("shared", std::make_shared<torch::nn::Module>());
  const Init init = context_.init.at("shared");
  for (const auto& group : options_.shared) {
    for (int64_t index = 0; index < num_experts_of(group); ++index) {
      const std::string name = std::to_string(shared_.size());
      const ExpertContext context{context_.width, context_.output_width, index, init.at(name)};
      shared_.push_back(modules->register_module(name, heterodyne::experts().make(group, context)));
    }
  }
  if (!options_.shared_gate) return;
  const nn::LinearOptions shape{context_.width, 1, false};
  shared_gate_ = register_module("shared_gate", std::make_shared<nn::Linear>(shape, context_.init.at("shared_gate")));
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
  // Those before the first change stay where they are.
  const auto is_same = [](const ExpertSlot& a, const ExpertSlot& b) { return a.expert == b.expert && a.id == b.id; };
  const auto first = std::ranges::mismatch(slots_, slots, is_same).in1 - slots_.begin();
  for (size_t i = slots_.size(); i > static_cast<size_t>(first); --i)
    expert_modules_->unregister_module(std::to_string(slots_[i - 1].id));
  infos_ = infos_of(slots);
  slots_ = std::move(slots);
  for (auto i = static_cast<size_t>(first); i < slots_.size(); ++i)
    expert_modules_->register_module(std::to_string(slots_[i].id), slots_[i].expert);
}

}  // namespace heterodyne

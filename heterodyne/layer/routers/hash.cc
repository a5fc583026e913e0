// Hash layers (Roller et al. 2021): a token's symbol alone decides where it goes. Nothing is learned, all weights are
// equal. With k > 1 each symbol has k different experts, as with several hash functions. For text only.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

class HashRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 1;
    std::string mode = "random";
    std::vector<int64_t> counts;
    std::vector<int64_t> table;
    void visit(Fields& field) {
      field("k", k, "experts of each symbol", at_least(1));
      field("mode", mode,
            "random: drawn for each symbol; balanced: frequent symbols first, each to the experts that have least so "
            "far; table: as written, for clusters of symbols that were found elsewhere",
            one_of("random", "balanced", "table"));
      field("counts", counts, "how often each symbol occurs, by its number", list_or_none(), at_least(0),
            effective_when(mode == "balanced", "mode is not \"balanced\""));
      field("table", table, "the k experts of each symbol, symbol after symbol", list_or_none(), at_least(0),
            effective_when(mode == "table", "mode is not \"table\""));
    }
  };

  HashRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.hash", options.k, context),
        options_(options),
        name_(context.init.name),
        stream_("hash." + context.init.name),
        seed_(context.init.seed) {
    make_table(num_experts());
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    if (!input.token_id_T.defined()) {
      throw Error(name_, "router \"hash\": expected the symbol of each token, got none; it works on text only");
    }
    return route_equally(experts_of(input), input);
  }

  void check_num_experts(int64_t num_experts) const override {
    TokenChoiceRouter::check_num_experts(num_experts);
    if (options_.mode == "table") written_table(num_experts);
  }
  void set_num_experts(int64_t num_experts) override {
    TokenChoiceRouter::set_num_experts(num_experts);  // first: it may refuse
    make_table(num_experts);
  }

 private:
  torch::Tensor experts_of(const RouteInput& input) const {
    const auto& id_T = input.token_id_T;
    if (options_.mode == "random")
      return ops::top_k(stream_.uniform_rows({seed_, 0}, id_T, num_experts()), options_.k, name_);
    const auto counted_C = id_T.index_select(0, counted_tokens(input));
    const int64_t most = counted_C.numel() > 0 ? counted_C.max().item<int64_t>() : 0;
    const int64_t least = counted_C.numel() > 0 ? counted_C.min().item<int64_t>() : 0;
    if (least < 0 || most >= table_VK_.size(0)) {
      throw Error(name_,
                  fmt::format("router \"hash\": expected symbols 0 .. {}, those of {}, got {}", table_VK_.size(0) - 1,
                              options_.mode == "table" ? "table" : "counts", least < 0 ? least : most));
    }
    return table_VK_.index_select(0, id_T.clamp(0, table_VK_.size(0) - 1));
  }

  void make_table(int64_t num_experts) {
    if (options_.mode == "balanced") table_VK_ = balanced_table(num_experts);
    if (options_.mode == "table") table_VK_ = written_table(num_experts);
  }

  torch::Tensor balanced_table(int64_t num_experts) const {
    const auto& counts = options_.counts;
    if (counts.empty())
      throw ConfigError("router.hash", "counts", "expected one entry for each symbol, got an empty list");
    std::vector<size_t> order(counts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts[a] > counts[b]; });
    auto table_VK = torch::empty({static_cast<int64_t>(counts.size()), options_.k}, torch::kInt64);
    std::vector<int64_t> load_E(static_cast<size_t>(num_experts)), expert_E(load_E.size());
    for (const size_t symbol : order) {
      std::iota(expert_E.begin(), expert_E.end(), int64_t{0});
      std::stable_sort(expert_E.begin(), expert_E.end(), [&](int64_t a, int64_t b) {
        return load_E[static_cast<size_t>(a)] < load_E[static_cast<size_t>(b)];
      });
      for (int64_t i = 0; i < options_.k; ++i) {
        const int64_t expert = expert_E[static_cast<size_t>(i)];
        table_VK[static_cast<int64_t>(symbol)][i] = expert;
        load_E[static_cast<size_t>(expert)] += counts[symbol];
      }
    }
    return table_VK;
  }

  torch::Tensor written_table(int64_t num_experts) const {
    const auto refuse = [](const std::string& message) { throw ConfigError("router.hash", "table", message); };
    const auto size = static_cast<int64_t>(options_.table.size());
    if (size == 0 || size % options_.k != 0)
      refuse(fmt::format("expected k = {} entries for each symbol, got {} entries", options_.k, size));
    auto table_VK = torch::tensor(options_.table, torch::kInt64).view({-1, options_.k});
    if (const int64_t most = table_VK.max().item<int64_t>(); most >= num_experts)
      refuse(fmt::format("expected experts below num_experts = {}, got {}", num_experts, most));
    const auto sorted_VK = std::get<0>(table_VK.sort(-1));
    const auto is_same_VJ = sorted_VK.narrow(1, 1, options_.k - 1) == sorted_VK.narrow(1, 0, options_.k - 1);
    if (is_same_VJ.any().item<bool>()) {
      refuse(fmt::format("expected different experts for each symbol, got one twice for symbol {}",
                         is_same_VJ.any(1).nonzero()[0].item<int64_t>()));
    }
    return table_VK;
  }

  Options options_;
  std::string name_;
  RandomStream stream_;
  uint64_t seed_;
  torch::Tensor table_VK_;  // V symbols; made of the settings, so no checkpoint needs to hold it
};

}  // namespace

RouterKind router_kind_hash() {
  return router_kind<HashRouter>("a token's symbol alone decides: random, balanced by frequency, or a table",
                                 {.takes_override = false, .needs_token_ids = true});
}

}  // namespace heterodyne

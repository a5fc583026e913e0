// Language model of LSTM layers with a Mixture of Experts between them (Shazeer et al. 2017, section 5.1 and appendix
// C): embedding, LSTM, MoE, LSTM, softmax. In the paper's form the output of every layer is dropped out and its input
// added. The MoE is applied to all tokens of a batch at once.
//
// Letters: B sequences, S tokens of a sequence, D width, V symbols.
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/moe_section.h"
#include "heterodyne/model/blocks/soft_section.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/lstm.h"

namespace heterodyne {
namespace {

constexpr const char* kWhere = "model.lstm_lm";

class LstmLm : public Network {
 public:
  struct Options {
    int64_t width = 128;
    int64_t layers = 2;
    double dropout = 0.1;
    bool carry_state = true;
    std::string compat = "paper";
    bool bidirectional = false;
    bool allow_leak = false;
    MoeSection moe;
    SoftSection soft_moe;
    void visit(Fields& field) {
      field("width", width, "features of a token, and of the state of each LSTM", at_least(1));
      field("layers", layers, "LSTM layers; a Mixture of Experts follows each but the last", between(1, 100));
      field("dropout", dropout, "share dropped of each layer's output", between(0, 0.99));
      field("carry_state", carry_state,
            "whether each LSTM begins a window with its state at the end of the one before");
      field("compat", compat,
            "paper: each layer's input is added to its output; port: no residuals and no dropout after a Mixture of "
            "Experts, as in ports of the paper",
            one_of("paper", "port"));
      field("bidirectional", bidirectional, "LSTMs in both directions, which see the tokens they are to predict");
      field("allow_leak", allow_leak, "accept a model that sees later tokens; its losses mean nothing");
      field("moe", moe, "the Mixtures of Experts between the LSTMs; layer N follows LSTM N");
      field("soft_moe", soft_moe, "soft mixtures in the place of some of them; a token sees later ones through them");
    }
  };

  LstmLm(const Options& options, const NetworkContext& context)
      : options_(options), num_symbols_(context.data.vocabulary), length_(context.data.length) {
    if (!context.data.is_text())
      throw ConfigError("model", "kind", "expected data of text for \"lstm_lm\", got images");
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    embedding_ = register_module("embedding", std::make_shared<nn::Embedding>(num_symbols_, D, init.at("embedding")));
    make_layers(init);
    refuse_leaks();
    const int64_t last = lstms_.back()->num_outputs();
    head_ =
        register_module("head", std::make_shared<nn::Linear>(nn::LinearOptions{last, num_symbols_}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape(kWhere, "inputs", batch.inputs, {"B", "S"});
    const bool is_paper = options_.compat == "paper";
    auto x_BSD = embedding_->forward(batch.inputs);
    if (is_paper) x_BSD = dropped(x_BSD, batch, dropouts_[0]);
    observe(log, "embedding", x_BSD);

    Carry carry(batch, lstms_.size(), mixtures_.size());
    MoePass moe(batch, log);
    for (size_t l = 0; l < lstms_.size(); ++l) {
      auto [y_BSD, hidden, cell] = lstms_[l]->forward(x_BSD, carry.hidden(l), carry.cell(l));
      carry.set_state(l, hidden, cell);
      y_BSD = dropped(y_BSD, batch, dropouts_[2 * l + 1]);
      x_BSD = is_paper ? x_BSD + y_BSD : y_BSD;
      observe(log, fmt::format("lstms.{}", l), x_BSD);
      if (l >= mixtures_.size()) continue;
      const auto& [routed, soft] = mixtures_[l];
      y_BSD = routed ? moe.run(*routed, x_BSD, carry.past(l)) : soft->forward({x_BSD, batch.mask_BS, batch.random});
      carry.add_past(l, x_BSD);
      x_BSD = is_paper ? x_BSD + dropped(y_BSD, batch, dropouts_[2 * l + 2]) : y_BSD;
      observe(log, fmt::format("layers.{}", l), x_BSD);
    }
    NetworkOutput output;
    moe.finish(output);
    output.logit_BY = head_->forward(x_BSD);
    if (options_.carry_state || batch.keeps_past) output.carry = carry.take();
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override {
    std::vector<MoeLayer*> all;
    for (const auto& mixture : mixtures_) {
      if (mixture.routed) all.push_back(mixture.routed.get());
    }
    return all;
  }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    Cost fixed{0, num_params(*this), 0};
    for (const auto& lstm : lstms_) fixed.macs += lstm->macs();
    CostPair total{fixed, fixed};
    size_t moe = 0;
    for (const auto& [routed, soft] : mixtures_) {
      const auto part = routed ? routed->cost(tokens_per_expert.at(moe++), 1, 1) : soft->cost(1, length_);
      total.routed.macs += part.routed.macs;
      total.executed.macs += part.executed.macs;
    }
    return total;
  }

  /// A token is an example of its own: each has a label.
  int64_t tokens_per_example() const override { return 1; }
  bool is_causal() override { return leak().empty(); }

 private:
  // The state of each LSTM, and what each MoE layer saw before where a text is to be continued exactly.
  class Carry {
   public:
    Carry(const Batch& batch, size_t num_lstms, size_t num_moes)
        : num_states_(2 * num_lstms), keeps_past_(batch.keeps_past), values_(batch.carry) {
      if (values_.empty()) values_.resize(num_states_ + (keeps_past_ ? num_moes : 0));
      if (values_.size() < num_states_)
        throw ShapeError(kWhere, fmt::format("carry: expected {} tensors, got {}", num_states_, values_.size()));
      // A batch may hold the first of its sequences only, the last one of a measurement that ends in the middle.
      for (size_t i = 0; i < values_.size(); ++i) {
        const int64_t axis = i < num_states_ ? 1 : 0;
        if (values_[i].defined() && values_[i].size(axis) > batch.size())
          values_[i] = values_[i].narrow(axis, 0, batch.size());
      }
    }
    torch::Tensor hidden(size_t l) const { return values_[2 * l]; }
    torch::Tensor cell(size_t l) const { return values_[2 * l + 1]; }
    void set_state(size_t l, const torch::Tensor& hidden, const torch::Tensor& cell) {
      values_[2 * l] = hidden.detach();
      values_[2 * l + 1] = cell.detach();
    }
    torch::Tensor past(size_t l) const { return keeps_past_ ? values_.at(num_states_ + l) : torch::Tensor(); }
    void add_past(size_t l, const torch::Tensor& x_BSD) {
      if (!keeps_past_) return;
      auto& past = values_.at(num_states_ + l);
      past = past.defined() ? torch::cat({past, x_BSD.detach()}, 1) : x_BSD.detach();
    }
    std::vector<torch::Tensor> take() { return std::move(values_); }

   private:
    size_t num_states_;
    bool keeps_past_;
    std::vector<torch::Tensor> values_;
  };

  void check_layers() const {
    if (options_.layers == 1)
      throw ConfigError("model", "layers",
                        "expected at least 2, as the Mixture of Experts stands between LSTMs, got 1");
    const auto refuse_index = [&](int64_t index, const std::string& key) {
      if (index + 1 < options_.layers) return;
      throw ConfigError("model", key,
                        fmt::format("expected an index below {}, as no Mixture of Experts follows the last LSTM",
                                    options_.layers - 1));
    };
    for (const auto& [index, settings] : options_.moe.layer) refuse_index(index, fmt::format("moe.layer.{}", index));
    for (const int64_t index : options_.soft_moe.layers) refuse_index(index, "soft_moe.layers");
    for (int64_t l = 0; l + 1 < options_.layers; ++l) {
      if (options_.moe.experts.empty() && !options_.soft_moe.has(l))
        throw ConfigError("model", "moe.experts",
                          "expected at least one group: a Mixture of Experts follows each LSTM but the last");
    }
  }

  void make_layers(const Init& init) {
    check_layers();
    auto lstms = register_module("lstms", std::make_shared<torch::nn::Module>());
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    const int64_t D = options_.width, directions = options_.bidirectional ? 2 : 1;
    for (int64_t l = 0; l < options_.layers; ++l) {
      const std::string name = std::to_string(l);
      lstms_.push_back(lstms->register_module(
          name, std::make_shared<nn::Lstm>(D, D, options_.bidirectional, init.at("lstms").at(name))));
      if (l + 1 == options_.layers) break;
      const MoeContext place{D * directions, D, init.at("layers").at(name)};
      Mixture& mixture = mixtures_.emplace_back();
      if (options_.soft_moe.has(l))
        mixture.soft = layers->register_module(name, std::make_shared<SoftMoeLayer>(options_.soft_moe, place));
      else mixture.routed = layers->register_module(name, std::make_shared<MoeLayer>(options_.moe.of(l), place));
    }
    for (int64_t i = 0; i < 2 * options_.layers; ++i)
      dropouts_.push_back(
          register_module(fmt::format("dropout_{}", i),
                          std::make_shared<nn::Dropout>(options_.dropout, init.at("dropout").at(std::to_string(i)))));
  }

  // Why a token's answer depends on later tokens; empty when it does not.
  std::string leak() const {
    if (options_.bidirectional) return "the LSTMs run in both directions";
    for (size_t l = 0; l < mixtures_.size(); ++l) {
      std::string why = "the slots of a soft mixture are means of all tokens of a window, later ones too";
      const auto& routed = mixtures_[l].routed;
      if (!routed || !routed->is_causal(&why)) return fmt::format("layers.{}: {}", l, why);
    }
    return "";
  }

  void refuse_leaks() const {
    if (options_.bidirectional && options_.compat != "port")
      throw ConfigError("model", "bidirectional",
                        "expected false: a language model that reads backwards sees the tokens it is to predict. Ports "
                        "that do so: compat = \"port\" and allow_leak = true");
    const std::string why = leak();
    if (why.empty() || options_.allow_leak) return;
    throw ConfigError("model", "allow_leak",
                      "expected true for a language model that sees the tokens it is to predict: " + why);
  }

  // Draws are addressed by sequence and position.
  static torch::Tensor dropped(const torch::Tensor& x_BSD, const Batch& batch,
                               const std::shared_ptr<nn::Dropout>& dropout) {
    const auto row_T = torch::arange(x_BSD.size(0) * x_BSD.size(1));
    return dropout->forward(x_BSD.reshape({-1, x_BSD.size(2)}), batch.random, row_T).view(x_BSD.sizes());
  }

  struct Mixture {  // one of the two
    std::shared_ptr<MoeLayer> routed;
    std::shared_ptr<SoftMoeLayer> soft;
  };

  Options options_;
  int64_t num_symbols_, length_;
  std::shared_ptr<nn::Embedding> embedding_;
  std::vector<std::shared_ptr<nn::Lstm>> lstms_;
  std::vector<Mixture> mixtures_;
  std::vector<std::shared_ptr<nn::Dropout>> dropouts_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_lstm_lm() {
  return network_kind<LstmLm>("language model: LSTM layers with Mixtures of Experts between them", true);
}

}  // namespace heterodyne

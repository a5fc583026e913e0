#include "heterodyne/base/profile.h"

#include <ATen/SequenceNumber.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <chrono>
#include <unordered_set>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct BeginNode : torch::autograd::FunctionPreHook {
  BeginNode(Profile* to, const Profile::Maker& by) : profile(to), name(by.name), place(by.place) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& grads) override {
    profile->open(name, place, true);
    return grads;
  }
  Profile* profile;
  const char* name;
  const char* place;
};

struct EndNode : torch::autograd::FunctionPostHook {
  explicit EndNode(Profile* to) : profile(to) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    profile->close();
    return outputs;
  }
  Profile* profile;
};

}  // namespace

void Profile::clear() {
  HETERODYNE_DCHECK(open_.empty());
  records_.clear(), sums_.clear(), makers_.clear();
  num_left_out_ = 0;
}

void Profile::open(const char* name, const char* place, bool is_backward) {
  open_.push_back({{name, place, steady_ns(), 0, is_backward}, 0, at::sequence_number::peek()});
}

void Profile::close() {
  HETERODYNE_DCHECK(!open_.empty());
  auto [record, inside_ns, first_node] = open_.back();
  open_.pop_back();
  record.end_ns = steady_ns();
  const int64_t whole_ns = record.end_ns - record.begin_ns;
  if (!open_.empty()) open_.back().inside_ns += whole_ns;
  Sum& sum = sums_[record.name];
  const double own = 1e-9 * static_cast<double>(whole_ns - inside_ns);
  (record.is_backward ? sum.backward_seconds : sum.seconds) += own;
  if (!record.is_backward) ++sum.count;
  const uint64_t last_node = at::sequence_number::peek();
  if (!record.is_backward && last_node > first_node)
    makers_.push_back({first_node, last_node, record.name, record.place});
  if (records_.size() < most_spans_) records_.push_back(record);
  else ++num_left_out_;
}

const Profile::Maker* Profile::maker_of(uint64_t node) const {
  for (const auto& maker : makers_) {
    if (maker.first_node <= node && node < maker.last_node) return &maker;
  }
  return nullptr;
}

void watch_backward(const torch::Tensor& loss, Profile* profile) {
  if (!profile || !loss.grad_fn()) return;
  std::vector<torch::autograd::Node*> left{loss.grad_fn().get()};
  std::unordered_set<torch::autograd::Node*> seen(left.begin(), left.end());
  while (!left.empty()) {
    torch::autograd::Node* node = left.back();
    left.pop_back();
    if (const auto* maker = profile->maker_of(node->sequence_nr())) {
      node->add_pre_hook(std::make_unique<BeginNode>(profile, *maker));
      node->add_post_hook(std::make_unique<EndNode>(profile));
    }
    for (const auto& edge : node->next_edges()) {
      if (edge.function && seen.insert(edge.function.get()).second) left.push_back(edge.function.get());
    }
  }
}

}  // namespace heterodyne

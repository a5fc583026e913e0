#include "heterodyne/ops/expert_mlp_pass.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/ops/compact/mlp_phases.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops::internal {
namespace {

const float* values_of(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

constexpr int64_t kThinRows = 64;  // of an expert: its weights are most of what is read

MlpKernel kernel_of(const ExpertMlp& expert, int64_t D, int64_t O) {
  MlpKernel kernel;
  kernel.D = D;
  kernel.O = O;
  if (!expert.defined()) return kernel;
  kernel.activation = expert.activation;
  kernel.F = expert.up_FD.size(0);
  kernel.up_FD = values_of(expert.up_FD);
  kernel.gate_FD = values_of(expert.gate_FD);
  kernel.down_OF = values_of(expert.down_OF);
  kernel.up_bias_F = values_of(expert.up_bias_F);
  kernel.gate_bias_F = values_of(expert.gate_bias_F);
  kernel.down_bias_O = values_of(expert.down_bias_O);
  kernel.up_panels = values_of(expert.up_panels);
  kernel.gate_panels = values_of(expert.gate_panels);
  kernel.down_panels = values_of(expert.down_panels);
  kernel.up_compact = expert.up_compact.get();
  kernel.gate_compact = expert.gate_compact.get();
  kernel.down_compact = expert.down_compact.get();
  return kernel;
}

// At the end of a task of the backward pass.
void release_tiles_of(const MlpKernel& kernel) {
  if (kernel.is_rounded()) release_bf16_tiles();
}

// Multiply-adds of one row.
int64_t row_work(const MlpKernel& kernel) { return kernel.pre_width() * kernel.D + kernel.O * kernel.F; }

}  // namespace

MlpParameters parameters_of(const ExpertMlp& expert) {
  return {expert.up_FD, expert.gate_FD, expert.down_OF, expert.up_bias_F, expert.gate_bias_F, expert.down_bias_O};
}

MlpPass::MlpPass(const torch::Tensor& x_TD, const torch::Tensor& weight_N, const RoutingPlan& plan,
                 const std::vector<ExpertMlp>& experts, int64_t output_width)
    : x_TD_(x_TD),
      weight_N_(weight_N),
      plan_(plan),
      D_(x_TD.size(1)),
      O_(output_width),
      offsets_(plan.expert_offsets()) {
  for (size_t e = 0; e < experts.size(); ++e) {
    kernels_.push_back(kernel_of(experts[e], D_, O_));
    is_recomputed_.push_back(experts[e].is_recomputed);
    const bool has_rows = experts[e].defined() && offsets_[e + 1] > offsets_[e];
    if (!has_rows) continue;
    order_.push_back(e);
    work_size_ = std::max(work_size_, mlp_work_size(kernels_[e]));
  }
  const auto work_of = [&](size_t e) { return (offsets_[e + 1] - offsets_[e]) * row_work(kernels_[e]); };
  std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return work_of(a) > work_of(b); });
  for (const size_t e : order_) {
    for (const MlpChunk& chunk : chunks_of(offsets_[e], offsets_[e + 1])) tasks_.push_back({e, chunk});
  }
  place_pre();
}

void MlpPass::place_pre() {
  for (size_t e = 0; e < kernels_.size(); ++e) {
    pre_offset_E_.push_back(is_recomputed_[e] ? -1 : pre_size_);
    if (!is_recomputed_[e]) pre_size_ += (offsets_[e + 1] - offsets_[e]) * kernels_[e].pre_width();
  }
}

// An expert of one chunk is packed where it is used, in a cache; one of more would be packed for each.
void MlpPass::pack_large_experts() {
  struct Job {
    const float* matrix_OI;
    const float** panels;
    int64_t outputs, inputs, at;
  };
  std::vector<Job> jobs;
  int64_t size = 0;
  const auto add = [&](const float* matrix_OI, const float*& panels, int64_t outputs, int64_t inputs) {
    if (matrix_OI == nullptr || panels != nullptr) return;
    jobs.push_back({matrix_OI, &panels, outputs, inputs, size});
    size += outputs * inputs;
  };
  for (const size_t e : order_) {
    MlpKernel& kernel = kernels_[e];
    if (offsets_[e + 1] - offsets_[e] <= kChunk) continue;
    add(kernel.up_FD, kernel.up_panels, kernel.F, D_);
    add(kernel.gate_FD, kernel.gate_panels, kernel.F, D_);
    add(kernel.down_OF, kernel.down_panels, O_, kernel.F);
  }
  if (jobs.empty()) return;
  packed_ = kept_buffer(size);
  float* to = packed_.data_ptr<float>();
  std::vector<std::pair<size_t, int64_t>> panels;
  for (size_t i = 0; i < jobs.size(); ++i) {
    *jobs[i].panels = to + jobs[i].at;
    for (int64_t p = 0; p < num_panels(jobs[i].outputs); ++p) panels.emplace_back(i, p);
  }
  for_each_task(static_cast<int64_t>(panels.size()), [&](int64_t i) {
    const auto [job, p] = panels[static_cast<size_t>(i)];
    const Job& matrix = jobs[job];
    pack_transposed(matrix.matrix_OI, matrix.outputs, matrix.inputs, p, to + matrix.at + p * kPanel * matrix.inputs,
                    panel_width(matrix.outputs, p));
  });
}

// Whether tasks of whole chunks keep all threads busy to the end.
bool MlpPass::has_enough_chunks() const { return tasks_.size() >= 8 * static_cast<size_t>(at::get_num_threads()); }

// As compact experts do, and in inference where too few experts have rows to keep threads busy otherwise.
bool MlpPass::runs_on_panels(bool keeps_pre) const {
  const bool is_compact =
      std::any_of(order_.begin(), order_.end(), [&](size_t e) { return kernels_[e].up_compact != nullptr; });
  const bool is_thin = !has_enough_chunks() && std::all_of(order_.begin(), order_.end(), [&](size_t e) {
    return offsets_[e + 1] - offsets_[e] <= kThinRows;
  });
  const bool can_run = can_run_phases({kernels_, order_, offsets_});
  if (is_compact && !can_run)
    throw Error("[ops.expert_mlps] expected panels of the float32 experts beside compact ones, got none");
  return can_run && (is_compact || (is_thin && !keeps_pre));
}

torch::Tensor MlpPass::answers_on_panels(const RowWaves& waves, float* pre) const {
  const MlpPhases phases{kernels_, order_, offsets_};
  PhaseCall call{x_TD_.const_data_ptr<float>(), x_TD_.size(0), plan_.token_N.const_data_ptr<int64_t>(), nullptr, pre,
                 pre_offset_E_.data()};
  if (has_enough_chunks()) {
    const AnswerChunk answer = whole_chunks(phases, call);
    return waves.run(experts_of_tasks(), weight_N_, [&](int64_t i, float* y_of_expert) {
      const Task& task = tasks_[static_cast<size_t>(i)];
      answer(task.expert, task.chunk, y_of_expert + (task.chunk.first - offsets_[task.expert]) * O_);
    });
  }
  const auto y_NO = kept_buffer(plan_.num_pairs() * O_);
  call.y_NO = y_NO.data_ptr<float>();
  run_phases(phases, call);
  return waves.sum(order_, weight_N_, call.y_NO);
}

MlpPass::Output MlpPass::forward(bool keeps_pre) {
  Output output;
  if (keeps_pre && pre_size_ > 0) output.pre = kept_buffer(pre_size_);
  float* pre = output.pre.defined() ? output.pre.data_ptr<float>() : nullptr;
  const RowWaves waves(plan_, offsets_, O_);
  if (runs_on_panels(keeps_pre)) {
    output.y_TO = answers_on_panels(waves, pre);
    return output;
  }
  pack_large_experts();
  output.y_TO = waves.run(experts_of_tasks(), weight_N_, [&](int64_t i, float* y_of_expert) {
    const Task& task = tasks_[static_cast<size_t>(i)];
    const MlpKernel& kernel = kernels_[task.expert];
    const int64_t row = task.chunk.first - offsets_[task.expert];
    MlpForward call{x_TD_.const_data_ptr<float>(), plan_.token_N.const_data_ptr<int64_t>(), nullptr,
                    y_of_expert + row * O_};
    if (pre && pre_offset_E_[task.expert] >= 0) call.pre = pre + pre_offset_E_[task.expert] + row * kernel.pre_width();
    mlp_forward(kernel, task.chunk, call, thread_scratch(work_size_));
  });
  return output;
}

std::vector<size_t> MlpPass::experts_of_tasks() const {
  std::vector<size_t> experts;
  for (const Task& task : tasks_) experts.push_back(task.expert);
  return experts;
}

// Gradients are views of one kept buffer: fresh memory of that size would be faulted in page by page at every step.
std::vector<MlpParameters> MlpPass::make_gradients(const std::vector<WantedGradients>& wanted,
                                                   std::vector<MlpGradients>& pointers) const {
  const auto sizes_of = [&](const MlpKernel& kernel) -> std::array<std::vector<int64_t>, 6> {
    return {{{kernel.F, D_}, {kernel.F, D_}, {O_, kernel.F}, {kernel.F}, {kernel.F}, {O_}}};
  };
  const auto aligned = [](const std::vector<int64_t>& sizes) {
    int64_t count = 1;
    for (const int64_t size : sizes) count *= size;
    return (count + 15) / 16 * 16;
  };
  std::vector<MlpParameters> gradients(kernels_.size());
  int64_t total = 0;
  for (const size_t e : order_) {
    for (size_t i = 0; i < wanted[e].size(); ++i) total += wanted[e][i] ? aligned(sizes_of(kernels_[e])[i]) : 0;
  }
  const auto memory = kept_buffer(total);
  int64_t at = 0;
  for (const size_t e : order_) {
    MlpGradients& to = pointers[e];
    const std::array<float**, 6> places{&to.up_FD,     &to.gate_FD,     &to.down_OF,
                                        &to.up_bias_F, &to.gate_bias_F, &to.down_bias_O};
    const auto sizes = sizes_of(kernels_[e]);
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (!wanted[e][i]) continue;
      gradients[e][i] = memory.as_strided(
          sizes[i], sizes[i].size() == 2 ? std::vector<int64_t>{sizes[i][1], 1} : std::vector<int64_t>{1}, at);
      at += aligned(sizes[i]);
      *places[i] = gradients[e][i].data_ptr<float>();
    }
  }
  return gradients;
}

MlpPass::Gradients MlpPass::backward(const Given& given) {
  Gradients found;
  found.dweight_N = torch::zeros({plan_.num_pairs()}, torch::kFloat32);
  Backward pass{
      given,
      {x_TD_.const_data_ptr<float>(), given.dy_TO.const_data_ptr<float>(), plan_.token_N.const_data_ptr<int64_t>(),
       weight_N_.const_data_ptr<float>(), nullptr, nullptr, found.dweight_N.data_ptr<float>(), false},
      std::vector<MlpGradients>(kernels_.size())};
  found.parameters = make_gradients(given.wanted, pass.gradients);
  found.dx_TD = has_enough_experts() ? backward_by_expert(pass) : backward_by_part(pass);
  return found;
}

bool MlpPass::wants_parameters(const Backward& pass, size_t e) const {
  const auto& wanted = pass.given.wanted[e];
  return std::find(wanted.begin(), wanted.end(), true) != wanted.end();
}

// Whether tasks of a whole expert keep all threads busy to the end.
bool MlpPass::has_enough_experts() const {
  const int64_t num_threads = at::get_num_threads();
  if (num_threads <= 1) return true;
  double total = 0, largest = 0;
  for (const size_t e : order_) {
    const auto work = static_cast<double>((offsets_[e + 1] - offsets_[e]) * row_work(kernels_[e]));
    total += work;
    largest = std::max(largest, work);
  }
  return largest * static_cast<double>(num_threads) * 2 <= total;
}

// The tasks' parts of dx, which are summed where it is wanted.
torch::Tensor MlpPass::run_for_dx(const Backward& pass, const std::vector<size_t>& expert_of_task,
                                  const RowWaves::Make& task) const {
  if (pass.given.wants_dx) return RowWaves(plan_, offsets_, D_).run(expert_of_task, {}, task);
  for_each_task(static_cast<int64_t>(expert_of_task.size()), [&](int64_t i) { task(i, nullptr); });
  return {};
}

void MlpPass::backward_of(const Task& task, const Backward& pass, const MlpHandover& handover, float* dx_of_expert,
                          float* work) const {
  const MlpKernel& kernel = kernels_[task.expert];
  const int64_t row = task.chunk.first - offsets_[task.expert];
  MlpBackward call = pass.call;
  call.needs_weights = wants_parameters(pass, task.expert);
  if (dx_of_expert) call.dx_nD = dx_of_expert + row * D_;
  if (pre_offset_E_[task.expert] >= 0)
    call.pre = pass.given.pre.const_data_ptr<float>() + pre_offset_E_[task.expert] + row * kernel.pre_width();
  mlp_backward(kernel, task.chunk, call, handover, work);
}

void MlpPass::weight_gradients(const Task& task, const Backward& pass, const MlpHandover& handover, float* work) const {
  const MlpKernel& kernel = kernels_[task.expert];
  const MlpGradients& to = pass.gradients[task.expert];
  const MlpGradientCall call{task.chunk, handover, pass.call.weight_N, task.chunk.first == offsets_[task.expert]};
  for (int64_t p = 0; p < num_panels(kernel.F); ++p) mlp_up_gradient(kernel, call, p, to, work);
  for (int64_t q = 0; q < num_panels(O_); ++q) mlp_down_gradient(kernel, call, q, to, work);
}

// One task for each expert: what its chunks hand on stays in the caches of a thread.
torch::Tensor MlpPass::backward_by_expert(const Backward& pass) {
  int64_t most = 0;
  for (const size_t e : order_) most = std::max(most, MlpHandover::size(kernels_[e], kChunk));
  return run_for_dx(pass, order_, [&](int64_t i, float* dx_of_expert) {
    const size_t e = order_[static_cast<size_t>(i)];
    float* work = thread_scratch(work_size_ + most);
    for (const MlpChunk& chunk : chunks_of(offsets_[e], offsets_[e + 1])) {
      const auto handover = MlpHandover::of(kernels_[e], chunk.padded(), work + work_size_);
      backward_of({e, chunk}, pass, handover, dx_of_expert, work);
      if (wants_parameters(pass, e)) weight_gradients({e, chunk}, pass, handover, work);
    }
    release_tiles_of(kernels_[e]);
  });
}

// Few experts: first a task for each chunk, then one for each panel of a gradient, which adds up the chunks.
torch::Tensor MlpPass::backward_by_part(const Backward& pass) {
  std::vector<int64_t> at;
  int64_t size = 0;
  for (const Task& task : tasks_) {
    at.push_back(size);
    size += MlpHandover::size(kernels_[task.expert], task.chunk.padded());
  }
  const auto memory = kept_buffer(size);
  const auto handover_of = [&](size_t i) {
    return MlpHandover::of(kernels_[tasks_[i].expert], tasks_[i].chunk.padded(), memory.data_ptr<float>() + at[i]);
  };
  auto dx_TD = run_for_dx(pass, experts_of_tasks(), [&](int64_t i, float* dx_of_expert) {
    const auto task = static_cast<size_t>(i);
    backward_of(tasks_[task], pass, handover_of(task), dx_of_expert, thread_scratch(work_size_));
    release_tiles_of(kernels_[tasks_[task].expert]);
  });
  struct Part {
    size_t expert;
    int64_t panel;
    bool is_up;
  };
  std::vector<Part> parts;
  for (const size_t e : order_) {
    if (!wants_parameters(pass, e)) continue;
    for (int64_t p = 0; p < num_panels(kernels_[e].F); ++p) parts.push_back({e, p, true});
    for (int64_t q = 0; q < num_panels(O_); ++q) parts.push_back({e, q, false});
  }
  for_each_task(static_cast<int64_t>(parts.size()), [&](int64_t i) {
    const Part& part = parts[static_cast<size_t>(i)];
    const auto gradient = part.is_up ? mlp_up_gradient : mlp_down_gradient;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      if (tasks_[t].expert != part.expert) continue;
      const auto handover = handover_of(t);
      const bool is_first = tasks_[t].chunk.first == offsets_[part.expert];
      gradient(kernels_[part.expert], {tasks_[t].chunk, handover, pass.call.weight_N, is_first}, part.panel,
               pass.gradients[part.expert], thread_scratch(work_size_));
    }
    release_tiles_of(kernels_[part.expert]);
  });
  return dx_TD;
}

}  // namespace heterodyne::ops::internal

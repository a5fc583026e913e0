#include "heterodyne/ops/compact/mlp_phases.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "heterodyne/base/parallel.h"
#include "heterodyne/ops/compact/compact_matrix.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kPhaseRows = 128;  // of a task at most

int64_t whole_lines(int64_t floats) { return round_to_16(floats); }

// Rows of one expert with some panels of one of its two products.
struct PhaseTask {
  size_t expert;
  MlpChunk chunk;
  int64_t begin, end;
};

// `width_of` an expert is that of its answers in this phase.
template <class Width>
std::vector<PhaseTask> tasks_of(const MlpPhases& phases, const Width& width_of) {
  std::vector<PhaseTask> whole;
  int64_t panels = 0;
  for (const size_t e : phases.order) {
    const int64_t begin = phases.offsets[e], rows = phases.offsets[e + 1] - begin;
    const int64_t count = (rows + kPhaseRows - 1) / kPhaseRows;
    const int64_t size = count == 1 ? rows : round_to_8((rows + count - 1) / count);
    for (int64_t first = begin; first < begin + rows; first += size) {
      whole.push_back({e, {first, std::min(size, begin + rows - first)}, 0, num_panels(width_of(phases.kernels[e]))});
      panels += whole.back().end;
    }
  }
  // Enough tasks that threads end together.
  const int64_t most = std::max<int64_t>(1, panels / (8 * at::get_num_threads()));
  std::vector<PhaseTask> tasks;
  for (const PhaseTask& task : whole) {
    for (int64_t p = 0; p < task.end; p += most) {
      tasks.push_back({task.expert, task.chunk, p, std::min(p + most, task.end)});
    }
  }
  return tasks;
}

struct PhaseMatrix {
  const CompactMatrix* compact;
  const float* panels;
  int64_t outputs, inputs;
};

// All tokens as some of the experts want them: rounded once, where more pairs than there are tokens would be.
class RoundedTokens {
 public:
  RoundedTokens(const MlpPhases& phases, const PhaseCall& call, const std::vector<PhaseTask>& tasks) {
    if (phases.order.empty()) return;
    const int64_t D = phases.kernels[phases.order.front()].D, T = call.num_tokens;
    for (const Rounding rounding : {Rounding::kBf16, Rounding::kByte}) {
      int64_t pairs = 0;
      for (const PhaseTask& task : tasks) {
        const bool wants = of(phases.kernels[task.expert].up_compact, task.chunk.rows) == rounding;
        pairs += wants ? task.chunk.rows : 0;
      }
      if (pairs <= T) continue;
      const int64_t size = rounded_size(rounding, D);
      made_.push_back({rounding, kept_buffer(T * size)});
      float* to = made_.back().rows.data_ptr<float>();
      parallel_for(0, T, 16, [&](int64_t begin, int64_t end) {
        round_rows(rounding, {call.x_TD + begin * D, D, end - begin, D}, to + begin * size);
      });
    }
  }

  /// What so many rows are rounded to for this matrix.
  static Rounding of(const CompactMatrix* matrix, int64_t rows) {
    return matrix ? rounding_of(matrix->format, rows) : Rounding::kNone;
  }
  /// Null where they are not there.
  const float* rows(Rounding rounding) const {
    for (const Made& each : made_) {
      if (each.rounding == rounding) return each.rows.const_data_ptr<float>();
    }
    return nullptr;
  }

 private:
  struct Made {
    Rounding rounding;
    torch::Tensor rows;
  };
  std::vector<Made> made_;
};

// Rows of a task, and the memory that their products work in.
struct PhaseRows {
  const float* x;
  int64_t count;
  Rounding rounding;
  const float* rounded;
  void* work;
};

void multiply(const PhaseMatrix& by, int64_t p, const PhaseRows& rows, float* y, int64_t stride_y) {
  if (by.compact == nullptr) {
    panel_gemm({nullptr, by.panels, by.outputs, by.inputs}, p, {rows.x, rows.count, y, stride_y}, nullptr);
    return;
  }
  compact_gemm(panel_of(*by.compact, p), {rows.x, by.inputs, rows.count, y, stride_y, rows.rounding, rows.rounded},
               rows.work);
}

// The parts of a thread's memory.
struct PhaseWork {
  float *x, *rounded, *pre, *panel;

  PhaseWork(const MlpKernel& expert, int64_t rows) {
    const int64_t widest = std::max(expert.D, expert.F);
    const int64_t sizes[4] = {whole_lines(rows * expert.D), whole_lines(rows * rounded_size(Rounding::kWhole, widest)),
                              whole_lines(rows * 2 * kPanel), kCompactWork / static_cast<int64_t>(sizeof(float))};
    float* memory = thread_scratch(sizes[0] + sizes[1] + sizes[2] + sizes[3]);
    x = memory;
    rounded = x + sizes[0];
    pre = rounded + sizes[1];
    panel = pre + sizes[2];
  }

  // Rows that a matrix multiplies, as it wants them.
  PhaseRows rows_for(const CompactMatrix* by, const float* from, int64_t count, int64_t width) const {
    const Rounding rounding = RoundedTokens::of(by, count);
    round_rows(rounding, {from, width, count, width}, rounded);
    return {from, count, rounding, rounded, panel};
  }

  // The same of a chunk's tokens.
  PhaseRows gathered(const MlpKernel& expert, Gather from, const RoundedTokens& tokens) const {
    const Rounding rounding = RoundedTokens::of(expert.up_compact, from.rows);
    const float* all = tokens.rows(rounding);
    const bool is_alike = !expert.is_gated() || (expert.up_compact && expert.gate_compact &&
                                                 expert.up_compact->format == expert.gate_compact->format);
    if (all == nullptr || !is_alike) {
      gather_rows(from, x);
      return rows_for(expert.up_compact, x, from.rows, expert.D);
    }
    from.x_TD = all;
    from.width = rounded_size(rounding, expert.D);
    gather_rows(from, rounded);
    return {nullptr, from.rows, rounding, rounded, panel};
  }
};

struct HiddenCall {
  const PhaseCall& of;
  const RoundedTokens& tokens;
  float* kept;  // where the chunk's hidden values before the activation stay, or null
  float* hidden;
};

void run_hidden(const MlpKernel& expert, const PhaseTask& task, const HiddenCall& call) {
  const int64_t n = task.chunk.rows, D = expert.D, F = expert.F;
  const PhaseWork work(expert, n);
  const PhaseRows rows =
      work.gathered(expert, {call.of.x_TD, call.of.token_N + task.chunk.first, n, n, D}, call.tokens);
  float *const kept = call.kept, *const hidden = call.hidden;
  const PhaseMatrix up{expert.up_compact, expert.up_panels, F, D}, gate{expert.gate_compact, expert.gate_panels, F, D};
  const float* first_bias = expert.is_gated() ? expert.gate_bias_F : expert.up_bias_F;
  const float* second_bias = expert.is_gated() ? expert.up_bias_F : nullptr;
  for (int64_t p = task.begin; p < task.end; ++p) {
    const int64_t W = panel_width(F, p), stride = kept ? expert.pre_width() : expert.parts() * W, at = p * kPanel;
    float* const pre = kept ? kept + expert.pre_at(p) : work.pre;
    if (expert.is_gated()) multiply(gate, p, rows, pre, stride);
    multiply(up, p, rows, pre + (expert.parts() - 1) * W, stride);
    activate_panel({expert.activation, expert.is_gated(), n, W, pre, stride, hidden + at, F},
                   first_bias ? first_bias + at : nullptr, second_bias ? second_bias + at : nullptr);
  }
}

void run_answers(const MlpKernel& expert, const PhaseTask& task, const PhaseCall& call, const float* hidden) {
  const int64_t n = task.chunk.rows, F = expert.F, O = expert.O;
  const PhaseWork work(expert, n);
  const PhaseRows rows = work.rows_for(expert.down_compact, hidden, n, F);
  float* y = call.y_NO + task.chunk.first * O;
  for (int64_t q = task.begin; q < task.end; ++q) {
    const int64_t at = q * kPanel;
    multiply({expert.down_compact, expert.down_panels, O, F}, q, rows, y + at, O);
    if (expert.down_bias_O) add_to_rows(expert.down_bias_O + at, {y + at, O, n, panel_width(O, q)});
  }
}

}  // namespace

bool can_run_phases(const MlpPhases& phases) {
  return std::all_of(phases.order.begin(), phases.order.end(), [&](size_t e) {
    const MlpKernel& expert = phases.kernels[e];
    return (expert.up_compact || expert.up_panels) && (expert.down_compact || expert.down_panels) &&
           (!expert.is_gated() || expert.gate_compact || expert.gate_panels);
  });
}

void run_phases(const MlpPhases& phases, const PhaseCall& call) {
  std::vector<int64_t> hidden_offset(phases.kernels.size());
  int64_t size = 0;
  for (const size_t e : phases.order) {
    hidden_offset[e] = size;
    size += (phases.offsets[e + 1] - phases.offsets[e]) * phases.kernels[e].F;
  }
  const auto buffer = kept_buffer(size);
  float* hidden = buffer.data_ptr<float>();
  const auto row_of = [&](const PhaseTask& task) { return task.chunk.first - phases.offsets[task.expert]; };
  const auto hidden_of = [&](const PhaseTask& task) {
    return hidden + hidden_offset[task.expert] + row_of(task) * phases.kernels[task.expert].F;
  };
  const auto kept_of = [&](const PhaseTask& task) -> float* {
    if (call.pre == nullptr || call.pre_offset_E[task.expert] < 0) return nullptr;
    return call.pre + call.pre_offset_E[task.expert] + row_of(task) * phases.kernels[task.expert].pre_width();
  };
  const auto first = tasks_of(phases, [](const MlpKernel& expert) { return expert.F; });
  const RoundedTokens tokens(phases, call, first);
  for_each_task(static_cast<int64_t>(first.size()), [&](int64_t i) {
    const PhaseTask& task = first[static_cast<size_t>(i)];
    run_hidden(phases.kernels[task.expert], task, {call, tokens, kept_of(task), hidden_of(task)});
  });
  const auto second = tasks_of(phases, [](const MlpKernel& expert) { return expert.O; });
  for_each_task(static_cast<int64_t>(second.size()), [&](int64_t i) {
    const PhaseTask& task = second[static_cast<size_t>(i)];
    run_answers(phases.kernels[task.expert], task, call, hidden_of(task));
  });
}

}  // namespace heterodyne::ops::internal

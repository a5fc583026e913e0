#include "heterodyne/ops/compact/mlp_phases.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iterator>
#include <numeric>

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
  int64_t all_rows;  // of the expert: how its rows are rounded does not depend on how they are cut
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
      whole.push_back(
          {e, {first, std::min(size, begin + rows - first)}, 0, num_panels(width_of(phases.kernels[e])), rows});
      panels += whole.back().end;
    }
  }
  // Enough tasks that threads end together.
  const int64_t most = std::max<int64_t>(1, panels / (8 * at::get_num_threads()));
  std::vector<PhaseTask> tasks;
  for (const PhaseTask& task : whole) {
    for (int64_t p = 0; p < task.end; p += most) {
      tasks.push_back({task.expert, task.chunk, p, std::min(p + most, task.end), task.all_rows});
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
  RoundedTokens(const MlpPhases& phases, const PhaseCall& call) {
    if (phases.order.empty()) return;
    const int64_t D = phases.kernels[phases.order.front()].D, T = call.num_tokens;
    for (const Rounding rounding : {Rounding::kBf16, Rounding::kWhole, Rounding::kByte}) {
      int64_t pairs = 0;
      for (const size_t e : phases.order) {
        const int64_t rows = phases.offsets[e + 1] - phases.offsets[e];
        if (of(phases.kernels[e].up_compact, rows) == rounding) pairs += rows;
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
  int64_t count, all_rows;  // all: of the expert
  Rounding rounding;
  const float* rounded;
  void* work;
};

// Where panel p of a compact matrix lies.
const void* place_of(const CompactMatrix* matrix, int64_t p) {
  if (matrix == nullptr) return nullptr;
  const CompactPanel panel = panel_of(*matrix, p);
  return panel.pairs ? static_cast<const void*>(panel.pairs) : panel.bytes;
}

// `next`: the panel that follows, where it lies elsewhere.
void multiply(const PhaseMatrix& by, int64_t p, const PhaseRows& rows, float* y, int64_t stride_y, const void* next) {
  if (by.compact == nullptr) {
    panel_gemm({nullptr, by.panels, by.outputs, by.inputs}, p, {rows.x, rows.count, y, stride_y}, nullptr);
    return;
  }
  compact_gemm(panel_of(*by.compact, p),
               {rows.x, by.inputs, rows.count, y, stride_y, rows.rounding, rows.rounded, next, rows.all_rows},
               rows.work);
}

// The parts of a thread's memory.
struct PhaseWork {
  float *x, *rounded, *pre, *panel, *hidden;

  PhaseWork(const MlpKernel& expert, int64_t rows, bool has_hidden = false) {
    const int64_t widest = std::max(expert.D, expert.F);
    const int64_t sizes[] = {whole_lines(rows * expert.D), whole_lines(rows * rounded_size(Rounding::kWhole, widest)),
                             whole_lines(rows * 2 * kPanel), kCompactWork / static_cast<int64_t>(sizeof(float)),
                             has_hidden ? rows * expert.F : 0};
    x = thread_scratch(std::accumulate(std::begin(sizes), std::end(sizes), int64_t{0}));
    rounded = x + sizes[0];
    pre = rounded + sizes[1];
    panel = pre + sizes[2];
    hidden = panel + sizes[3];
  }

  // Rows that a matrix multiplies, as it wants them.
  PhaseRows rows_for(const CompactMatrix* by, const float* from, int64_t count, int64_t width, int64_t all_rows) const {
    const Rounding rounding = RoundedTokens::of(by, all_rows);
    round_rows(rounding, {from, width, count, width}, rounded);
    return {from, count, all_rows, rounding, rounded, panel};
  }

  // The same of a chunk's tokens.
  PhaseRows gathered(const MlpKernel& expert, Gather from, int64_t all_rows, const RoundedTokens& tokens) const {
    const Rounding rounding = RoundedTokens::of(expert.up_compact, all_rows);
    const float* all = tokens.rows(rounding);
    const bool is_alike = !expert.is_gated() || (expert.up_compact && expert.gate_compact &&
                                                 expert.up_compact->format == expert.gate_compact->format);
    if (all == nullptr || !is_alike) {
      gather_rows(from, x);
      return rows_for(expert.up_compact, x, from.rows, expert.D, all_rows);
    }
    from.x_TD = all;
    from.width = rounded_size(rounding, expert.D);
    gather_rows(from, rounded);
    return {nullptr, from.rows, all_rows, rounding, rounded, panel};
  }
};

struct HiddenCall {
  const PhaseCall& of;
  const RoundedTokens& tokens;
  float* kept;  // where the chunk's hidden values before the activation stay, or null
  float* hidden;
};

void run_hidden(const MlpKernel& expert, const PhaseTask& task, const HiddenCall& call, const PhaseWork& work) {
  const int64_t n = task.chunk.rows, D = expert.D, F = expert.F;
  const PhaseRows rows =
      work.gathered(expert, {call.of.x_TD, call.of.token_N + task.chunk.first, n, n, D}, task.all_rows, call.tokens);
  float *const kept = call.kept, *const hidden = call.hidden;
  const PhaseMatrix up{expert.up_compact, expert.up_panels, F, D}, gate{expert.gate_compact, expert.gate_panels, F, D};
  const float* first_bias = expert.is_gated() ? expert.gate_bias_F : expert.up_bias_F;
  const float* second_bias = expert.is_gated() ? expert.up_bias_F : nullptr;
  for (int64_t p = task.begin; p < task.end; ++p) {
    const int64_t W = panel_width(F, p), stride = kept ? expert.pre_width() : expert.parts() * W, at = p * kPanel;
    float* const pre = kept ? kept + expert.pre_at(p) : work.pre;
    if (expert.is_gated()) multiply(gate, p, rows, pre, stride, place_of(expert.up_compact, p));
    const bool is_last = p + 1 == task.end;
    const void* next = is_last ? place_of(expert.down_compact, 0) : place_of(expert.gate_compact, p + 1);
    multiply(up, p, rows, pre + (expert.parts() - 1) * W, stride, next);
    activate_panel({expert.activation, expert.is_gated(), n, W, pre, stride, hidden + at, F},
                   first_bias ? first_bias + at : nullptr, second_bias ? second_bias + at : nullptr);
  }
}

// `y`: of the first row of the chunk.
void run_answers(const MlpKernel& expert, const PhaseTask& task, const float* hidden, float* y, const PhaseWork& work) {
  const int64_t n = task.chunk.rows, F = expert.F, O = expert.O;
  const PhaseRows rows = work.rows_for(expert.down_compact, hidden, n, F, task.all_rows);
  for (int64_t q = task.begin; q < task.end; ++q) {
    const int64_t at = q * kPanel;
    multiply({expert.down_compact, expert.down_panels, O, F}, q, rows, y + at, O, nullptr);
    if (expert.down_bias_O) add_to_rows(expert.down_bias_O + at, {y + at, O, n, panel_width(O, q)});
  }
}

// Where hidden values of a chunk are kept, or null.
float* kept_of(const MlpPhases& phases, const PhaseCall& call, size_t expert, const MlpChunk& chunk) {
  if (call.pre == nullptr || call.pre_offset_E[expert] < 0) return nullptr;
  const int64_t row = chunk.first - phases.offsets[expert];
  return call.pre + call.pre_offset_E[expert] + row * phases.kernels[expert].pre_width();
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
  const auto hidden_of = [&](const PhaseTask& task) {
    const int64_t row = task.chunk.first - phases.offsets[task.expert];
    return hidden + hidden_offset[task.expert] + row * phases.kernels[task.expert].F;
  };
  const auto first = tasks_of(phases, [](const MlpKernel& expert) { return expert.F; });
  const RoundedTokens tokens(phases, call);
  for_each_task(static_cast<int64_t>(first.size()), [&](int64_t i) {
    const PhaseTask& task = first[static_cast<size_t>(i)];
    const MlpKernel& expert = phases.kernels[task.expert];
    run_hidden(expert, task, {call, tokens, kept_of(phases, call, task.expert, task.chunk), hidden_of(task)},
               PhaseWork(expert, task.chunk.rows));
  });
  const auto second = tasks_of(phases, [](const MlpKernel& expert) { return expert.O; });
  for_each_task(static_cast<int64_t>(second.size()), [&](int64_t i) {
    const PhaseTask& task = second[static_cast<size_t>(i)];
    const MlpKernel& expert = phases.kernels[task.expert];
    run_answers(expert, task, hidden_of(task), call.y_NO + task.chunk.first * expert.O,
                PhaseWork(expert, task.chunk.rows));
  });
}

AnswerChunk whole_chunks(const MlpPhases& phases, const PhaseCall& call) {
  return [phases, call, tokens = RoundedTokens(phases, call)](size_t e, const MlpChunk& chunk, float* y_nO) {
    const MlpKernel& expert = phases.kernels[e];
    const PhaseWork work(expert, chunk.rows, true);
    const int64_t rows = phases.offsets[e + 1] - phases.offsets[e];
    run_hidden(expert, {e, chunk, 0, num_panels(expert.F), rows},
               {call, tokens, kept_of(phases, call, e, chunk), work.hidden}, work);
    run_answers(expert, {e, chunk, 0, num_panels(expert.O), rows}, work.hidden, y_nO, work);
  };
}

}  // namespace heterodyne::ops::internal

// MlpPass: one forward or backward pass over the rows of all experts of expert_mlps(), as tasks for all threads.
//
// Letters: T tokens, D width, O output width, E experts, F hidden width of one expert, N chosen pairs.
#pragma once

#include <array>
#include <vector>

#include "heterodyne/ops/expert_mlp.h"
#include "heterodyne/ops/expert_mlp_cpu.h"
#include "heterodyne/ops/rows/row_waves.h"

namespace heterodyne::ops::internal {

/// up_FD, gate_FD, down_OF and their biases: the order of every list of an expert's parameters.
using MlpParameters = std::array<torch::Tensor, 6>;
MlpParameters parameters_of(const ExpertMlp& expert);
/// Which of them want a gradient.
using WantedGradients = std::array<bool, 6>;

class MlpPass {
 public:
  /// The arguments of expert_mlps(), contiguous; they must outlive the pass.
  MlpPass(const torch::Tensor& x_TD, const torch::Tensor& weight_N, const RoutingPlan& plan,
          const std::vector<ExpertMlp>& experts, int64_t output_width);

  struct Output {
    torch::Tensor y_TO;
    torch::Tensor pre;  // hidden values for the backward pass, undefined when none are kept
  };
  Output forward(bool keeps_pre);

  struct Given {
    torch::Tensor dy_TO, pre;
    bool wants_dx;
    std::vector<WantedGradients> wanted;  // by expert
  };
  struct Gradients {
    torch::Tensor dx_TD, dweight_N;
    std::vector<MlpParameters> parameters;  // by expert, undefined where not wanted or without rows
  };
  Gradients backward(const Given& given);

 private:
  struct Task {
    size_t expert;
    MlpChunk chunk;
  };
  // The parts of a backward pass that its tasks share.
  struct Backward {
    const Given& given;
    MlpBackward call;
    std::vector<MlpGradients> gradients;  // by expert
  };

  std::vector<MlpParameters> make_gradients(const std::vector<WantedGradients>& wanted,
                                            std::vector<MlpGradients>& pointers) const;
  void pack_large_experts();
  bool has_enough_chunks() const;
  bool runs_on_panels(bool keeps_pre) const;
  torch::Tensor answers_on_panels(const RowWaves& waves, float* pre) const;
  void place_pre();
  std::vector<size_t> experts_of_tasks() const;
  torch::Tensor run_for_dx(const Backward& pass, const std::vector<size_t>& expert_of_task,
                           const RowWaves::Make& task) const;
  torch::Tensor backward_by_expert(const Backward& pass);  // these two return dx_TD
  torch::Tensor backward_by_part(const Backward& pass);
  void backward_of(const Task& task, const Backward& pass, const MlpHandover& handover, float* dx_of_expert,
                   float* work) const;
  void weight_gradients(const Task& task, const Backward& pass, const MlpHandover& handover, float* work) const;
  bool wants_parameters(const Backward& pass, size_t e) const;
  bool has_enough_experts() const;

  const torch::Tensor &x_TD_, &weight_N_;
  const RoutingPlan& plan_;
  int64_t D_, O_;
  std::vector<int64_t> offsets_;
  std::vector<MlpKernel> kernels_;     // by expert; F = 0 for one that is not defined
  std::vector<bool> is_recomputed_;    // by expert
  std::vector<size_t> order_;          // experts with rows, the most work first
  std::vector<Task> tasks_;            // their chunks, in that order
  std::vector<int64_t> pre_offset_E_;  // floats, -1 where none are kept
  int64_t pre_size_ = 0;
  int64_t work_size_ = 0;
  torch::Tensor packed_;
};

}  // namespace heterodyne::ops::internal

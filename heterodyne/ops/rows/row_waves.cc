#include "heterodyne/ops/rows/row_waves.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "heterodyne/base/parallel.h"
#include "heterodyne/ops/plan_rows.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kLeast = 1 << 17;  // floats of a wave, so that few threads wait seldom
constexpr int64_t kMostWaves = 16;
constexpr size_t kExpertsOfThread = 2;  // of a wave, at least

// Tasks of a kind that others wait for. One that throws counts as done: nobody reads what it left.
class Count {
 public:
  void expect(size_t tasks) { left_.store(static_cast<int64_t>(tasks), std::memory_order_relaxed); }
  void wait() const {
    while (left_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  }
  struct Done {
    explicit Done(Count& of) : count(of) {}
    ~Done() { count.left_.fetch_sub(1, std::memory_order_release); }
    Done(const Done&) = delete;
    Done& operator=(const Done&) = delete;
    Count& count;
  };

 private:
  std::atomic<int64_t> left_ = 0;
};

// One task of the list: wave `wave` makes the rows of task `item`, or sums into the tokens of block `item`.
struct Step {
  bool is_sum;
  size_t wave;
  int64_t item;
};

}  // namespace

WaveRows RowWaves::no_rows(const torch::Tensor& weight_N) const {
  return {plan_.token_N.const_data_ptr<int64_t>(),
          offsets_.data(),
          weight_N.defined() ? weight_N.const_data_ptr<float>() : nullptr,
          {},
          {},
          width_};
}

// Consecutive experts: enough for all threads, with rows for a sixteenth of all. What is summed in which order does not
// depend on how they are cut.
std::vector<RowWaves::Wave> RowWaves::make_waves(const std::vector<size_t>& expert_of_task,
                                                 const torch::Tensor& weight_N) const {
  std::vector<bool> has_tasks(offsets_.size(), false);
  for (const size_t e : expert_of_task) has_tasks[e] = true;
  const int64_t most = std::max(kLeast / std::max<int64_t>(1, width_), plan_.num_pairs() / kMostWaves);
  const size_t busy = kExpertsOfThread * static_cast<size_t>(at::get_num_threads());
  std::vector<Wave> waves;
  std::vector<size_t> wave_of_expert(offsets_.size());
  for (size_t e = 0; e < offsets_.size(); ++e) {
    if (!has_tasks[e]) continue;
    if (waves.empty() || (waves.back().num_rows + num_rows(e) > most && waves.back().rows.experts.size() >= busy))
      waves.push_back({no_rows(weight_N)});
    waves.back().rows.experts.push_back(e);
    waves.back().num_rows += num_rows(e);
    wave_of_expert[e] = waves.size() - 1;
  }
  for (size_t i = 0; i < expert_of_task.size(); ++i)
    waves[wave_of_expert[expert_of_task[i]]].tasks.push_back(static_cast<int64_t>(i));
  return waves;
}

torch::Tensor RowWaves::run(const std::vector<size_t>& expert_of_task, const torch::Tensor& weight_N,
                            const Make& make) const {
  std::vector<Wave> waves = make_waves(expert_of_task, weight_N);
  const int64_t T = plan_.num_tokens(), block = grain_of(width_), num_blocks = (T + block - 1) / block;
  auto sum_TW = waves.empty() ? torch::zeros({T, width_}, torch::kFloat32) : torch::empty({T, width_}, torch::kFloat32);
  // Rows of even and of odd waves lie in the same two places.
  std::array<int64_t, 2> room{};
  for (size_t w = 0; w < waves.size(); ++w) room[w % 2] = std::max(room[w % 2], waves[w].num_rows * width_);
  const auto memory = kept_buffer(room[0] + room[1]);
  std::vector<float*> row_of_expert(offsets_.size(), nullptr);
  std::vector<Count> made(waves.size()), summed(waves.size());
  std::vector<Step> steps;
  const auto add_sums = [&](size_t wave) {
    for (int64_t b = 0; b < num_blocks; ++b) steps.push_back({true, wave, b});
  };
  for (size_t w = 0; w < waves.size(); ++w) {
    float* at = memory.data_ptr<float>() + (w % 2) * room[0];
    for (const size_t e : waves[w].rows.experts) {
      row_of_expert[e] = at;
      waves[w].rows.row_of_expert.push_back(at);
      at += num_rows(e) * width_;
    }
    made[w].expect(waves[w].tasks.size());
    summed[w].expect(static_cast<size_t>(num_blocks));
    for (const int64_t task : waves[w].tasks) steps.push_back({false, w, task});
    if (w > 0) add_sums(w - 1);
  }
  if (!waves.empty()) add_sums(waves.size() - 1);
  float* sum = sum_TW.data_ptr<float>();
  // Threads take steps in this order, so what a step waits for has been taken before it.
  for_each_task(static_cast<int64_t>(steps.size()), [&](int64_t i) {
    const auto [is_sum, w, item] = steps[static_cast<size_t>(i)];
    const Count::Done done(is_sum ? summed[w] : made[w]);
    if (!is_sum) {
      if (w >= 2) summed[w - 2].wait();  // whose place it takes
      make(item, row_of_expert[expert_of_task[static_cast<size_t>(item)]]);
      return;
    }
    made[w].wait();
    if (w > 0) summed[w - 1].wait();
    const int64_t begin = item * block, end = std::min(T, begin + block);
    if (w == 0) std::fill(sum + begin * width_, sum + end * width_, 0.0F);
    add_rows(waves[w].rows, begin, end, sum);
  });
  return sum_TW;
}

torch::Tensor RowWaves::sum(const std::vector<size_t>& experts, const torch::Tensor& weight_N,
                            const float* rows_NW) const {
  WaveRows rows = no_rows(weight_N);
  rows.experts = experts;
  std::sort(rows.experts.begin(), rows.experts.end());
  for (const size_t e : rows.experts) rows.row_of_expert.push_back(rows_NW + offsets_[e] * width_);
  auto sum_TW = torch::zeros({plan_.num_tokens(), width_}, torch::kFloat32);
  float* sum = sum_TW.data_ptr<float>();
  parallel_for(0, plan_.num_tokens(), grain_of(width_),
               [&](int64_t begin, int64_t end) { add_rows(rows, begin, end, sum); });
  return sum_TW;
}

}  // namespace heterodyne::ops::internal

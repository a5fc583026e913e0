// What a line of metrics costs a run for its index: kept in memory, and written to the disk.
#include <benchmark/benchmark.h>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/index_log.h"

namespace heterodyne {
namespace {

// As many metrics as a network with two MoE layers of four experts reports; curves as long as they become.
void run_lines(benchmark::State& state, double interval_s) {
  const fixtures::TemporaryFolder runs;
  const auto run = RunFolder::create(runs / "run", fixtures::small_experiment());
  run.write_state("running");
  IndexLog index(run, runs.path(), {}, interval_s);
  index.on_start({});
  Table line{{"step", 0}, {"kind", "train"}};
  for (int i = 0; i < state.range(0); ++i) line.set("metric" + std::to_string(i), 1.0);
  int64_t step = 0;
  const auto report = [&] {
    line.set("step", ++step);
    line.set("metric0", static_cast<double>(step % 17));
    index.on_log({step, 1, line, {}});
  };
  for (int i = 0; i < 1000; ++i) report();
  for (auto _ : state) report();
}

void BM_LineKept(benchmark::State& state) { run_lines(state, 1e9); }
void BM_LineWritten(benchmark::State& state) { run_lines(state, 0); }

BENCHMARK(BM_LineKept)->Arg(28)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_LineWritten)->Arg(28)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace heterodyne

// TensorBoard: event files as TensorBoard reads them, written without protobuf or TensorFlow.
//
// An event file is a sequence of records (TFRecord): 8 bytes length, 4 bytes masked CRC-32C of the length, the data, 4
// bytes masked CRC-32C of the data, all little-endian. The data is a protobuf message `Event`; the field numbers are
// those of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto:
//
//   Event         wall_time 1 (double)   step 2 (int64)   file_version 3 (text)   summary 5   session_log 7
//   SessionLog    status 1 (START = 1)
//   Summary       value 1, repeated      Value: tag 1 (text)   simple_value 2 (float)   histo 5
//   HistogramProto  min 1   max 2   num 3   sum 4   sum_squares 5   bucket_limit 6   bucket 7 (doubles, both packed)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/io/file.h"

namespace heterodyne::io {

/// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4.
uint32_t crc32c(std::string_view bytes);

/// The data framed as one record.
std::string tfrecord(std::string_view data);

/// A number under a name; TensorBoard groups names by what stands before their first "/". Kept as float32.
struct EventScalar {
  std::string tag;
  double value = 0;
};

/// How often which values occurred. Bucket i holds counts[i] values from limits[i - 1] (for the first: from `min`) up
/// to limits[i]. The limits ascend.
struct EventHistogram {
  std::string tag;
  double min = 0, max = 0;          // of the values
  double sum = 0, sum_squares = 0;  // of the values
  std::vector<double> limits, counts;
};

/// What was measured at one step.
struct EventSummary {
  std::vector<EventScalar> scalars;
  std::vector<EventHistogram> histograms;
};

// Messages, not yet framed. `wall_time` is in seconds since 1970; steps are at least 0.

/// The first event of every file: the version of the format.
std::string version_event(double wall_time);
/// A writer began: TensorBoard drops what earlier files have of this step and later ones.
std::string start_event(double wall_time, int64_t step);
std::string summary_event(double wall_time, int64_t step, const EventSummary& summary);

/// Throws FormatError with the byte offset of the first record that is cut short or whose checks differ. Returns how
/// many records there are.
int64_t check_event_file(const std::string& path);

/// A new event file that grows. Whole records only, each on its way to the disk when add() returns.
class EventFile {
 public:
  /// Makes "events.out.tfevents.<seconds>.<host>.<process>" in the folder, after all event files there by name, which
  /// is the order TensorBoard reads them in. What they have of `first_step` and later is replaced by this one. Throws
  /// DeviceError.
  EventFile(const std::string& folder, int64_t first_step);

  /// Throws DeviceError; nothing of the summary stays then.
  void add(int64_t step, const EventSummary& summary);

 private:
  AppendFile file_;
};

}  // namespace heterodyne::io

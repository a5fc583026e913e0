// Profile: where the time of a piece of work goes. Whoever wants to know makes one and passes it down as a value; where
// none is passed nothing is measured, and a span costs one comparison.
//
//   Profile profile;
//   { const ProfileSpan span(&profile, "router", "layers.0"); ... }
//
// Spans lie inside each other; a span's own time is what its inner spans leave.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// Of one thread. Names that spans are given must outlive it.
class Profile {
 public:
  /// Keeps so many spans for a trace; of later ones the sums alone.
  explicit Profile(size_t most_spans = 200'000) : most_spans_(most_spans) {}

  struct Record {
    const char* name;
    const char* place;  // "layers.0", or ""
    int64_t begin_ns;   // of the steady clock
    int64_t end_ns;
    bool is_backward;
  };
  /// In the order of their ends.
  const std::vector<Record>& records() const { return records_; }
  int64_t num_left_out() const { return num_left_out_; }

  struct Sum {
    int64_t count = 0;            // spans, of the forward pass
    double seconds = 0;           // own time
    double backward_seconds = 0;  // own time of the nodes of autograd that were made inside: see watch_backward()
  };
  /// By name, over all places.
  const std::map<std::string, Sum>& sums() const { return sums_; }
  /// Forgets sums and spans; no span may be open.
  void clear();

  /// For ProfileSpan and watch_backward(): begins and ends a span.
  void open(const char* name, const char* place, bool is_backward = false);
  void close();
  /// The innermost span in which the node of autograd with this number was made since clear_nodes(); nullptr for none.
  struct Maker {
    uint64_t first_node, last_node;  // numbers in a row, the last not included
    const char* name;
    const char* place;
  };
  const Maker* maker_of(uint64_t node) const;
  void clear_nodes() { makers_.clear(); }

 private:
  struct Open {
    Record record;
    int64_t inside_ns;  // of the spans inside it
    uint64_t first_node;
  };

  size_t most_spans_;
  int64_t num_left_out_ = 0;
  std::vector<Open> open_;
  std::vector<Maker> makers_;  // inner ones before outer ones
  std::vector<Record> records_;
  std::map<std::string, Sum> sums_;
};

class ProfileSpan {
 public:
  /// `profile` may be null.
  explicit ProfileSpan(Profile* profile, const char* name, const char* place = "") : profile_(profile) {
    if (profile_) profile_->open(name, place);
  }
  ~ProfileSpan() {
    if (profile_) profile_->close();
  }
  ProfileSpan(const ProfileSpan&) = delete;
  ProfileSpan& operator=(const ProfileSpan&) = delete;

 private:
  Profile* profile_;
};

/// Before loss.backward(): each node of autograd that was made inside a span will be timed as that span's backward
/// time. Nothing when `profile` is null.
void watch_backward(const torch::Tensor& loss, Profile* profile);

}  // namespace heterodyne

// What the tests of every room share. No part of the library includes this.
#pragma once

#include <string>

namespace heterodyne::fixtures {

/// The text of the error of type `E` that `work` throws.
template <class E, class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace heterodyne::fixtures

// TopTerminal: what shows pages and tells keys.
//
// Threads: one.
#ifndef HFTMON_CLIENT_TOP_TOP_TERMINAL_H_
#define HFTMON_CLIENT_TOP_TOP_TERMINAL_H_

#include <optional>

#include "client/top/top_keys.h"
#include "client/top/top_page.h"

namespace hftmon {

class TopTerminal {
 public:
  virtual ~TopTerminal() = default;

  virtual TopSize size() const = 0;
  // Whether it shows more than ASCII.
  virtual bool utf8() const = 0;
  virtual void Show(const TopPage& page) = 0;
  // The next key that was pressed; none: no more now.
  virtual std::optional<TopKey> Read() = 0;
  // Readable when there may be a key.
  virtual int input_fd() const = 0;
  // Its size has changed.
  virtual void Resize() = 0;
  // Gives it back as it was found, and takes it again.
  virtual void Leave() = 0;
  virtual void Return() = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_TERMINAL_H_

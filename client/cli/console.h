// Console: the process's standard output and standard error, as verbs see them.
//
// Threads: Out by one thread; Err by any.
#ifndef HFTMON_CLIENT_CLI_CONSOLE_H_
#define HFTMON_CLIENT_CLI_CONSOLE_H_

#include <string>

namespace hftmon {

// How text may be decorated.
struct TextStyle {
  bool colour = false;
};

class Console {
 public:
  virtual ~Console() = default;

  // Writes all of `text`. False once that fails, e.g. because the reader is gone: there is no point in going on.
  virtual bool Out(const std::string& text) = 0;
  // One write, so that lines of several threads do not mix. Failure is ignored: there is nowhere left to say so.
  virtual void Err(const std::string& text) = 0;
  // errno of the first write of Out that failed; 0 = none.
  virtual int out_error() const = 0;
  // Descriptor to watch for the reader's going away; -1 = none.
  virtual int out_fd() const = 0;
  virtual TextStyle out_style() const = 0;
  virtual TextStyle err_style() const = 0;
  // Columns of the terminal that standard output is; 0: it is none.
  virtual int out_width() const { return 0; }
};

// Standard output and error of this process. Colour on a terminal without NO_COLOR only.
class ProcessConsole : public Console {
 public:
  ProcessConsole();
  bool Out(const std::string& text) override;
  void Err(const std::string& text) override;
  int out_error() const override { return out_error_; }
  int out_fd() const override;
  TextStyle out_style() const override { return out_style_; }
  TextStyle err_style() const override { return err_style_; }
  int out_width() const override;

 private:
  TextStyle out_style_;
  TextStyle err_style_;
  int out_error_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_CONSOLE_H_

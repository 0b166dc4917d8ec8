// ManualPage: the text of a manual page in the macros of man(7), section by section. Pure, any thread.
//
// Text is plain: what troff would take for a command is escaped, `x` is set bold, what is not ASCII becomes an escape.
#ifndef HFTMON_COMMON_MANUAL_PAGE_H_
#define HFTMON_COMMON_MANUAL_PAGE_H_

#include <string>
#include <string_view>

namespace hftmon {

class ManualPage {
 public:
  // "hftmon-spikes", 1, "hftmon 0.1.0", "latency spikes, each with its time budget".
  ManualPage(std::string_view name, int section, std::string_view release, std::string_view summary);

  // Each adds to the end.
  void Section(std::string_view title);
  void Subsection(std::string_view title);
  void Paragraph(std::string_view text);
  void Synopsis(std::string_view text);                     // one command line, its first word bold
  void Item(std::string_view term, std::string_view text);  // a term, and below it, indented, what it means

  const std::string& text() const { return text_; }

 private:
  void BeginParagraph();

  std::string text_;
  bool after_heading_ = false;  // which begins a paragraph itself
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MANUAL_PAGE_H_

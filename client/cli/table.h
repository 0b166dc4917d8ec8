// Table: aligned columns for people. Numbers to the right, words to the left.
#ifndef HFTMON_CLIENT_CLI_TABLE_H_
#define HFTMON_CLIENT_CLI_TABLE_H_

#include <string>
#include <vector>

namespace hftmon {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // One cell a column; a cell that has no value is empty and printed as "-".
  void AddRow(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Title line and rows, two spaces between columns, no trailing spaces, each line ended and begun with `indent` spaces.
  std::string Print(int indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// `text` from outside (names of processes, say) with control characters and bytes that are not UTF-8 replaced by '?': it cannot drive the
// terminal. Characters that change the direction of what follows (U+202E and the like) or begin a line, which would make a line look like
// another one, stand as their number: "\u202e".
std::string Printable(const std::string& text);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_TABLE_H_

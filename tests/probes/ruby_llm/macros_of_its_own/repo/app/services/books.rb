class Books
  def tools(ledger) = [LedgerTool.new(ledger, strict: true)]
  def answer(words) = RubyLLM.chat.with_tools(*tools(nil)).ask(words).content
end

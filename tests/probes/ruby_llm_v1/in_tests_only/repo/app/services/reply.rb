class Reply
  def answer(text) = RubyLLM.chat.ask(text).content
end

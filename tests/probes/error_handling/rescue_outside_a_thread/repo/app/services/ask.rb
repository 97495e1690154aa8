class Ask
  def call(text)
    Thread.new { RubyLLM.chat.ask(text) { |chunk| write(chunk.content) } }
  rescue RubyLLM::Error
    "No answer"
  end
end

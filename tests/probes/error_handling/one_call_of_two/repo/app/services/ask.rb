class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::Error
    "No answer"
  end

  def title(text)
    RubyLLM.chat.ask("Name this: #{text}").content
  end
end

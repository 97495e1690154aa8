class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  end

  def title(text)
    RubyLLM.chat.ask("Give this a title: #{text}").content
  rescue RubyLLM::Error
    "Untitled"
  end

  def harmful?(text)
    RubyLLM.moderate(text).flagged?
  rescue RubyLLM::Error => error
    "not checked: #{error.message}"
  end
end

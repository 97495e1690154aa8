class Ask
  def call(text)
    RubyLLM.chat.ask(text).content rescue nil
  end
end

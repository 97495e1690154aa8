class Ask
  def stream(prompt)
    RubyLLM.chat.ask(prompt).content
  end

  def prompt = "Say something."
end

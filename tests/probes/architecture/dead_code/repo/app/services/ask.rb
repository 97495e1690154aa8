class Ask
  def answer(text)
    tidy(RubyLLM.chat.ask(text).content)
  end

  private

  def tidy(text) = text.strip

  def shortened(text)
    text.truncate(20)
  end

  # It calls only itself.
  def counted_down(number)
    number.zero? ? 0 : counted_down(number - 1)
  end
end

class CutOut
  def call(image)
    RubyLLM.respond_to?(:cut_out) ? natively(image) : image
  end

  private

  def natively(image) = RubyLLM.cut_out(image)
end

class MessagesController < ApplicationController
  def create
    @question = params[:content].to_s.strip
    return redirect_to(root_path, status: :see_other) if @question.empty?

    @result = ChatTurn.new(conversation).ask(@question)
    respond_to do |format|
      format.turbo_stream
      format.html { redirect_to root_path, alert: @result.failure, status: :see_other }
    end
  end
end

class CommentsController < ApplicationController
  def create
    @comment = Comment.new(params.expect(comment: [ :title, :body ]))
    if @comment.save
      redirect_to @comment, notice: "Comment was created."
    else
      render :new, status: :unprocessable_entity
    end
  end
end
